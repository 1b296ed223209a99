import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as gcp from '@pulumi/gcp';
import * as kubernetes from '@pulumi/kubernetes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Registration, record } from '../../infra/recording/record.ts';
import type { Pack } from '../../policies/framework/pack.ts';
import { packs } from '../checks/policies.ts';
import { root } from '../infra/truth/compile.ts';
import { PackHost } from './support/host.ts';

/**
 * A pack as somebody else has it: packed by npm, below the node_modules of a project that holds nothing but the package
 * and what it says it needs, and asked about that project's own program.
 */
let project: string;
let shop: readonly Registration[];
const hosts: PackHost[] = [];

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'iot-packed-'));
  ({ registrations: shop } = await record({ project: 'shop', stack: 'live', config: {}, mode: 'preview', program }));
}, 120_000);
afterAll(async () => {
  await Promise.all(hosts.map((host) => host.end()));
  rmSync(project, { recursive: true, force: true });
});

/** What each pack finds in the program below: by policy, the resources. */
const expected: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'google-cloud': { 'sql-no-public-ip': ['orders'], 'iam-no-basic-roles': ['ops'] },
  kubernetes: { 'k8s-no-privileged': ['web'], 'k8s-helm-release-visible': ['ingress'] },
  platform: { 'stack-dead-letters-complete': ['orders'], 'own-labels': ['orders'] },
};

async function program(): Promise<Record<string, unknown>> {
  const google = new gcp.Provider('google', { project: 'shop-1', region: 'europe-west1' });
  const cluster = new kubernetes.Provider('cluster', { kubeconfig: '{}' });
  new gcp.sql.DatabaseInstance(
    'orders',
    { databaseVersion: 'POSTGRES_17', settings: { tier: 'db-custom-2-8192', ipConfiguration: { ipv4Enabled: true } } },
    { provider: google },
  );
  new gcp.projects.IAMMember(
    'ops',
    { project: 'shop-1', role: 'roles/editor', member: 'group:ops@example.com' },
    { provider: google },
  );
  const dead = new gcp.pubsub.Topic('dead', {}, { provider: google });
  const topic = new gcp.pubsub.Topic('orders', {}, { provider: google });
  // Nobody may write to the dead letters, and nobody reads them.
  new gcp.pubsub.Subscription(
    'orders',
    { topic: topic.id, deadLetterPolicy: { deadLetterTopic: dead.id, maxDeliveryAttempts: 5 } },
    { provider: google },
  );
  new kubernetes.apps.v1.Deployment(
    'web',
    {
      metadata: { namespace: 'shop' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'web', image: 'nginx', securityContext: { privileged: true } }] },
        },
      },
    },
    { provider: cluster },
  );
  new kubernetes.helm.v3.Release('ingress', { chart: 'ingress-nginx', namespace: 'edge' }, { provider: cluster });
  return {};
}

describe.each(packs.map((pack) => [pack.name, pack] as const))('%s, packed', (name, pack) => {
  let folder: string;
  let files: readonly string[];
  beforeAll(() => {
    ({ folder, files } = unpacked(pack));
  }, 120_000);

  test('is a bundle with its licence, and no source that Node refuses below node_modules', () => {
    expect(files).toEqual(['LICENSE', 'PulumiPolicy.yaml', 'README.md', 'dist', 'main.cjs', 'package.json']);
    expect(readdirSync(join(folder, 'dist'))).toEqual(['pack.cjs']);
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(`--policy-pack node_modules/${nameOf(folder)}`);
  });

  test('has every policy, and judges a program of others', async () => {
    const host = await PackHost.start(folder);
    hosts.push(host);
    await host.configure();
    expect((await host.info()).policies.map((policy) => policy.name)).toEqual([
      ...pack.policies.map(({ id }) => id),
      `${name}-exemptions-valid`,
    ]);
    const found = (await host.judge(shop)).filter(({ level }) => level === 'mandatory');
    const by = (policy: string) =>
      found.filter((each) => each.policy === policy).map(({ urn }) => urn.split('::').at(-1) ?? '');
    for (const [policy, resources] of Object.entries(expected[name] ?? {}))
      expect(by(policy), policy).toEqual(expect.arrayContaining([...resources]));
    expect(Object.keys(expected[name] ?? {}).length).toBeGreaterThan(0);
  }, 120_000);
});

const nameOf = (folder: string): string => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name;

/** Packs, unpacks below the project's node_modules, and puts what the package declares beside it. */
function unpacked({ name }: Pack): { folder: string; files: readonly string[] } {
  const source = join(root, 'policies', name);
  const said = execFileSync('npm', ['pack', '--json', '--pack-destination', project], {
    cwd: source,
    encoding: 'utf8',
  });
  const [{ filename }] = JSON.parse(said.slice(said.indexOf('['))) as [{ filename: string }];
  const modules = join(project, 'node_modules');
  const folder = join(modules, nameOf(source));
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['xzf', join(project, filename), '--strip-components=1', '-C', folder]);
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const dependency of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, dependency)), { recursive: true });
    rmSync(join(modules, dependency), { force: true });
    symlinkSync(join(root, 'node_modules', dependency), join(modules, dependency));
  }
  return { folder, files: readdirSync(folder).sort() };
}
