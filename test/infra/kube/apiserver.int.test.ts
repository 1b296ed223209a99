import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, assets, startApiServer, until } from './apiserver.ts';
import { type Manifest, manifests } from './manifests.ts';
import { type Definition, hasGo, readSources, unpublished } from './sources.ts';

/**
 * Every object of every tier, applied to a real API server: defaulting, validation, admission and Pod Security judge it,
 * which no schema can do. Applied twice: what the second changes, the server would fight over with every `up`.
 */
const bin = assets();
const absent = bin === null || !hasGo();
if (absent)
  console.warn(
    'skipped: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver (setup-envtest makes one), or no go',
  );

describe.skipIf(absent)('the API server', () => {
  let server: ApiServer;
  let objects: readonly { tier: string; manifest: Manifest }[];
  const paths = new Map<string, { path: string; namespaced: boolean }>();

  beforeAll(async () => {
    server = await startApiServer(bin as string);
    const { definitions } = readSources();
    for (const definition of [...definitions, ...unpublished.map(permissive)]) {
      const { status, body } = await server.call(
        'POST',
        '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
        definition,
      );
      if (status !== 201) throw new Error(`${definition.metadata.name}: ${JSON.stringify(body['message'])}`);
      const name = definition.metadata.name;
      await until(
        async () =>
          established(await server.call('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`)),
        name,
      );
    }
    objects = await manifests();
    for (const apiVersion of new Set(objects.map(({ manifest }) => manifest.apiVersion))) {
      const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      // A definition is established a moment before discovery shows it.
      await until(async () => {
        const { status, body } = await server.call('GET', base);
        if (status !== 200) return false;
        for (const { name, kind, namespaced } of body['resources'] as {
          name: string;
          kind: string;
          namespaced: boolean;
        }[])
          if (!name.includes('/')) paths.set(`${apiVersion} ${kind}`, { path: `${base}/${name}`, namespaced });
        return true;
      }, `the server has no ${apiVersion}`);
    }
  }, 300_000);
  afterAll(() => server?.stop());

  /** Server-side apply, as the provider of Kubernetes does it. */
  const apply = (manifest: Manifest, options = '') => {
    const found = paths.get(`${manifest.apiVersion} ${manifest.kind}`);
    if (found === undefined) throw new Error(`the server knows no ${manifest.apiVersion} ${manifest.kind}`);
    const { name, namespace } = manifest.metadata;
    const base = found.namespaced ? found.path.replace(/\/([^/]+)$/, `/namespaces/${namespace}/$1`) : found.path;
    return server.call(
      'PATCH',
      `${base}/${name}?fieldManager=pulumi&force=true&fieldValidation=Strict${options}`,
      manifest,
      'application/apply-patch+yaml',
    );
  };
  const namespacesFirst = () => [...objects].sort((a, b) => order(a.manifest) - order(b.manifest));

  test('takes every object, and changes nothing the second time', async () => {
    const refused: string[] = [];
    const first = new Map<Manifest, unknown>();
    for (const { tier, manifest } of namespacesFirst()) {
      const { status, body } = await apply(manifest);
      if (status >= 300) refused.push(`${tier} ${manifest.kind} ${manifest.metadata.name}: ${String(body['message'])}`);
      else first.set(manifest, kept(body));
    }
    expect(refused).toEqual([]);
    for (const { manifest } of namespacesFirst())
      expect(kept((await apply(manifest)).body)).toEqual(first.get(manifest));
    expect(first.size).toBeGreaterThan(150);
  }, 180_000);

  test('takes pods of every workload under Pod Security “restricted”, and refuses one that is loosened', async () => {
    const templates = objects.flatMap(({ manifest }) => podsOf(manifest));
    expect(templates.length).toBeGreaterThan(20);
    const create = (pod: Pod) =>
      server.call('POST', `/api/v1/namespaces/${pod.metadata.namespace}/pods?dryRun=All`, pod);
    for (const pod of templates) {
      const { status, body } = await create(pod);
      expect(status, `${pod.metadata.name}: ${String(body['message'])}`).toBe(201);
    }
    const loose = structuredClone(templates[0]) as Pod;
    for (const container of loose.spec.containers) container['securityContext'] = { allowPrivilegeEscalation: true };
    const { status, body } = await create(loose);
    expect(status).toBe(403);
    expect(body['message']).toMatch(/violates PodSecurity "restricted/);
  }, 120_000);

  test('refuses a property that no object has', async () => {
    const { manifest } = objects.find((each) => each.manifest.kind === 'Deployment') as { manifest: Manifest };
    const planted = { ...manifest, spec: { ...(manifest as unknown as { spec: object }).spec, replicaas: 3 } };
    const { status, body } = await apply(planted, '&dryRun=All');
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body['message']).toMatch(/replicaas/);
  });
});

/**
 * An object without the server's bookkeeping: an empty list (`ingress: []`), which the server leaves out, counts there as set
 * anew with every apply and changes nothing else. The engine applies only what changed against its own last inputs.
 */
function kept(body: Record<string, unknown>): unknown {
  const {
    managedFields: _,
    resourceVersion: __,
    generation: ___,
    ...metadata
  } = body['metadata'] as Record<string, unknown>;
  return { ...body, metadata };
}

type Pod = { metadata: { name: string; namespace: string }; spec: { containers: Record<string, unknown>[] } };
type Template = { metadata?: object; spec: Pod['spec'] & { priorityClassName?: string } };

/** What a workload's controller would make of its template. */
function podsOf(manifest: Manifest): Pod[] {
  const { spec } = manifest as unknown as {
    spec?: { template?: Template; jobTemplate?: { spec: { template: Template } } };
  };
  const template = spec?.jobTemplate?.spec.template ?? spec?.template;
  if (template?.spec?.containers === undefined) return [];
  const { name, namespace = 'default' } = manifest.metadata;
  return [
    { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name, namespace }, spec: template.spec } as Pod,
  ];
}

const order = ({ kind }: Manifest): number => (kind === 'Namespace' ? 0 : kind === 'PriorityClass' ? 1 : 2);

function established({ body }: { body: Record<string, unknown> }): boolean {
  const status = body['status'] as { conditions?: { type: string; status: string }[] } | undefined;
  return status?.conditions?.some(({ type, status: now }) => type === 'Established' && now === 'True') === true;
}

/** A definition that takes anything, for kinds that GKE installs and nobody publishes. */
function permissive({ group, version, kind, plural }: (typeof unpublished)[number]): Definition & { spec: object } {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        } as Definition['spec']['versions'][number],
      ],
    },
  };
}
