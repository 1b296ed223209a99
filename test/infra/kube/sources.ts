import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../truth/compile.ts';

/** Go modules in which the API of Kubernetes and the custom resources are published, by exact version. */
const modules = {
  kubernetes: 'k8s.io/kubernetes@v1.36.3',
  gateway: 'sigs.k8s.io/gateway-api@v1.5.1',
  prometheus: 'github.com/GoogleCloudPlatform/prometheus-engine@v0.8.2',
} as const;

/** Files in them with definitions of the custom resources that the platform uses. */
const definitionFiles: readonly [keyof typeof modules, string][] = [
  ['gateway', 'config/crd/standard/gateway.networking.k8s.io_gateways.yaml'],
  ['gateway', 'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml'],
  ['prometheus', 'manifests/setup.yaml'],
];

/**
 * Custom resources of which Google publishes no definition where a module proxy has it: GKE installs them. Their YAML is
 * checked by no schema here, only by the tests of the component that makes them. A kind that no tier uses fails the test.
 */
export const unpublished: readonly { group: string; version: string; kind: string; plural: string }[] = [
  { group: 'autoscaling.gke.io', version: 'v1beta1', kind: 'AutoscalingMetric', plural: 'autoscalingmetrics' },
  { group: 'networking.gke.io', version: 'v1', kind: 'GCPBackendPolicy', plural: 'gcpbackendpolicies' },
  { group: 'networking.gke.io', version: 'v1', kind: 'GCPGatewayPolicy', plural: 'gcpgatewaypolicies' },
  { group: 'networking.gke.io', version: 'v1', kind: 'HealthCheckPolicy', plural: 'healthcheckpolicies' },
];

/** Definition of a custom resource, as the API server takes it. */
export type Definition = {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: {
    group: string;
    names: { kind: string; plural: string };
    scope: string;
    versions: { name: string; served: boolean; schema?: { openAPIV3Schema?: Record<string, unknown> } }[];
  };
};

export type Sources = {
  /** The OpenAPI document of Kubernetes. */
  openapi: { definitions: Record<string, Record<string, unknown>> };
  definitions: readonly Definition[];
};

export const hasGo = (): boolean => spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;

/** Downloads the modules (once a machine: Go keeps them) and reads what is in them. @throws Error with what Go said. */
export function readSources(): Sources {
  const folders = download();
  const openapi = JSON.parse(
    readFileSync(join(folders.kubernetes, 'api/openapi-spec/swagger.json'), 'utf8'),
  ) as Sources['openapi'];
  const definitions = definitionFiles.flatMap(([module, file]) =>
    parseAllDocuments(readFileSync(join(folders[module], file), 'utf8'))
      .map((document) => document.toJS() as Definition | null)
      .filter((each): each is Definition => each?.kind === 'CustomResourceDefinition'),
  );
  return { openapi, definitions };
}

function download(): Record<keyof typeof modules, string> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  // Outside of a module Go refuses to name versions.
  const folder = mkdtempSync(join(cache, 'go-'));
  try {
    writeFileSync(join(folder, 'go.mod'), 'module schemas\n\ngo 1.22\n');
    const run = spawnSync('go', ['mod', 'download', '-json', ...Object.values(modules)], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 16 * 1024 * 1024,
    });
    const answers = `[${run.stdout.trim().replace(/\}\s*\{/g, '},{')}]`;
    const found = JSON.parse(answers) as { Path: string; Dir?: string; Error?: string }[];
    const at = (module: string): string => {
      const answer = found.find(({ Path }) => Path === module.split('@')[0]);
      if (answer?.Dir === undefined)
        throw new Error(`go mod download ${module}: ${answer?.Error ?? (run.stderr || `ended with ${run.status}`)}`);
      return answer.Dir;
    };
    return { kubernetes: at(modules.kubernetes), gateway: at(modules.gateway), prometheus: at(modules.prometheus) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
