import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { kubernetesFiles } from '../../../infra/render/kubernetes.ts';
import { terraformPlan } from '../../../infra/render/terraform.ts';
import { tool } from '../support/tool.ts';
import { type Finding, judge } from './accepted.ts';
import { scannedRecordings } from './recordings.ts';

/** Public scanners over everything that each tier would make; what is left as it is, is in accepted.ts with its reason. */
const checkov = tool('checkov', 'CHECKOV', 'pip install checkov==3.3.30');
const kubeScore = tool('kube-score', 'KUBE_SCORE', 'go install github.com/zegl/kube-score/cmd/kube-score@v1.20.0');

let folder: string;
/** YAML files of all tiers: `<folder>/kubernetes/<tier>/…`. */
let manifests: string[];
beforeAll(async () => {
  if (checkov.absent && kubeScore.absent) return;
  folder = mkdtempSync(join(tmpdir(), 'scan-'));
  manifests = [];
  for (const { tier, recording } of await scannedRecordings()) {
    const files = kubernetesFiles(recording.registrations, []).map(({ path, text }) => ({
      path: path.replace('kubernetes/', `kubernetes/${tier}/`),
      text,
    }));
    manifests.push(...files.map(({ path }) => join(folder, path)));
    const plan = { path: `plans/${tier}.json`, text: JSON.stringify(terraformPlan(recording.registrations)) };
    for (const { path, text } of [...files, plan]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  }
}, 120_000);
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(checkov.absent)('checkov', () => {
  /** Failed checks of a folder; a folder below it is a tier, as is a file's name. */
  const scan = (framework: string, scanned: string): { findings: Finding[]; passed: number } => {
    const run = spawnSync(
      checkov.command,
      ['-d', scanned, '--framework', framework, '--output', 'json', '--compact', '--quiet', '--skip-download'],
      { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
    );
    if (run.error !== undefined) throw run.error;
    const { results, summary } = JSON.parse(run.stdout) as Checkov;
    return {
      passed: summary.passed,
      findings: results.failed_checks.map(({ check_id, check_name, resource, file_path }) => ({
        tier: file_path.split('/')[1]?.replace('.json', '') ?? '',
        check: check_id,
        resource,
        said: check_name,
      })),
    };
  };

  test('finds nothing but what is accepted, and everything accepted is still needed', () => {
    const [cloud, objects] = [
      scan('terraform_plan', join(folder, 'plans')),
      scan('kubernetes', join(folder, 'kubernetes')),
    ];
    const { open, idle } = judge('checkov', [...cloud.findings, ...objects.findings]);
    expect(open).toEqual([]);
    expect(idle).toEqual([]);
    // It read the files: a plan that it does not understand has no failed checks either.
    expect(cloud.passed).toBeGreaterThan(200);
    expect(objects.passed).toBeGreaterThan(500);
  }, 300_000);

  test('finds a database with a public address', () => {
    const planted = join(folder, 'planted');
    const plan = readFileSync(join(folder, 'plans/dev.json'), 'utf8');
    mkdirSync(planted);
    writeFileSync(join(planted, 'dev.json'), plan.replaceAll('"ipv4_enabled":false', '"ipv4_enabled":true'));
    const { open } = judge('checkov', scan('terraform_plan', planted).findings);
    expect(open).toContainEqual(expect.stringMatching(/^dev: CKV_GCP_60 google_sql_database_instance/));
  }, 120_000);
});

type Checkov = {
  results: { failed_checks: { check_id: string; check_name: string; resource: string; file_path: string }[] };
  summary: { passed: number };
};

describe.skipIf(kubeScore.absent)('kube-score', () => {
  const score = (files: readonly string[]): { findings: Finding[]; checked: number } => {
    const run = spawnSync(kubeScore.command, ['score', '--output-format', 'json', ...files], {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    });
    if (run.error !== undefined) throw run.error;
    const objects = JSON.parse(run.stdout) as Scored[];
    const findings = objects.flatMap(({ object_name, file_name, checks }) =>
      (checks ?? [])
        // 10 is all well, 7 almost; 5 a warning, 1 critical.
        .filter(({ grade, skipped }) => !skipped && grade < 7)
        .map(({ check, comments }) => ({
          tier: /\/kubernetes\/(\w+)\//.exec(file_name)?.[1] ?? '',
          check: check.id,
          resource: object_name,
          said: (comments ?? []).map(({ summary }) => summary).join('; '),
        })),
    );
    return { findings, checked: objects.length };
  };

  test('finds nothing but what is accepted, and everything accepted is still needed', () => {
    const { findings, checked } = score(manifests);
    const { open, idle } = judge('kube-score', findings);
    expect(open).toEqual([]);
    expect(idle).toEqual([]);
    expect(checked).toBeGreaterThan(100);
  }, 120_000);

  test('finds a container without limits that runs as root', () => {
    const file = manifests.find((each) => each.endsWith('deployment-api.yaml')) as string;
    const manifest = parse(readFileSync(file, 'utf8'), { version: '1.1' }) as Deployment;
    const [container] = manifest.spec.template.spec.containers;
    if (container === undefined) throw new Error(`${file} has no container`);
    delete container['resources'];
    container['securityContext'] = { runAsUser: 0 };
    const planted = join(folder, 'planted.yaml');
    writeFileSync(planted, stringify(manifest, { version: '1.1' }));
    const { open } = judge('kube-score', score([planted]).findings);
    expect(open).toContainEqual(expect.stringMatching(/container-resources/));
    expect(open).toContainEqual(expect.stringMatching(/container-security-context/));
  });
});

type Scored = {
  object_name: string;
  file_name: string;
  checks: { check: { id: string }; grade: number; skipped: boolean; comments: { summary: string }[] | null }[] | null;
};
type Deployment = { spec: { template: { spec: { containers: Record<string, unknown>[] } } } };
