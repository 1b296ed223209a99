import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageNames } from '../../infra/images/names.ts';
import type { Registration } from '../../infra/recording/record.ts';
import { tierNames } from '../../infra/tiers.ts';
import { notKnownYet, withValue } from '../../policies/framework/testing.ts';
import { Engine, findPulumi, missingPulumi, root } from '../infra/engine/pulumi.ts';
import { blueprints } from './support/blueprints.ts';
import { type Diagnostic, PackHost } from './support/host.ts';

const folder = (pack: string) => join(root, 'policies', pack);
const packs = readdirSync(join(root, 'policies')).filter((each) => existsSync(join(folder(each), 'PulumiPolicy.yaml')));
const mandatory = (all: readonly Diagnostic[]) => all.filter(({ level }) => level === 'mandatory');

/** The same resource with values by path; what flows into it stays. */
const withInputs = (each: Registration, values: Readonly<Record<string, unknown>>): Registration => ({
  ...each,
  inputs: Object.entries(values).reduce((inputs, [at, value]) => withValue(inputs, at, value), each.inputs),
});

test('there are three packs', () => {
  expect(packs.sort()).toEqual(['google-cloud', 'kubernetes', 'platform']);
});

/** In Pulumi's own policy host, by the protocol that the engine speaks. */
describe.each(packs)('the pack %s, served', (pack) => {
  const hosts: PackHost[] = [];
  const serve = async (config: Readonly<Record<string, string>>) => {
    const host = await PackHost.start(folder(pack), config);
    hosts.push(host);
    await host.configure();
    return host;
  };
  afterAll(() => Promise.all(hosts.map((host) => host.end())));

  test.each(tierNames)(
    'a preview of the blueprint of %s breaks nothing mandatory',
    async (tier) => {
      const host = await serve({ 'iot-platform:tier': tier });
      const found = (await blueprints()).find((each) => each.tier === tier && each.recording.mode === 'preview');
      const registrations = found?.recording.registrations ?? [];
      expect(registrations.length).toBeGreaterThan(250);
      expect(mandatory(await host.judge(registrations))).toEqual([]);
    },
    240_000,
  );

  test('tells the engine who it is and what each policy is about', async () => {
    const { name, version, policies } = await (await serve({})).info();
    expect(name).toBe(pack);
    expect(version).toBe(JSON.parse(readFileSync(join(folder(pack), 'package.json'), 'utf8')).version);
    expect(policies.length).toBeGreaterThan(5);
    for (const each of policies) {
      expect(each.severity, each.name).not.toBe('');
      expect(each.remediationSteps, each.name).not.toBe('');
      expect(each.url, each.name).toMatch(/^https:/);
    }
    const benchmarked = policies.filter(({ framework }) => framework !== null);
    expect(benchmarked.length).toBeGreaterThan(0);
    for (const { framework, tags } of benchmarked)
      expect(tags.map((tag) => tag.split(':')[1])).toContain(framework?.reference);
  }, 180_000);
});

describe('levels, settings and exemptions of a served pack', () => {
  const instance = 'gcp:sql/databaseInstance:DatabaseInstance';
  const availability = 'settings.availabilityType';
  let stack: readonly Registration[];
  const hosts: PackHost[] = [];
  const serve = async (config: Readonly<Record<string, string>>) => {
    const host = await PackHost.start(folder('platform'), config);
    hosts.push(host);
    return host;
  };
  /** A budget is there where a billing account is set, which nothing else in these tests is about. */
  const withBudget = (all: readonly Registration[]): readonly Registration[] =>
    all.slice(0, 1).flatMap((each) => [
      ...all,
      {
        ...each,
        type: 'gcp:billing/budget:Budget',
        name: 'budget',
        urn: 'urn:pulumi:prod::iot-platform::gcp:billing/budget:Budget::budget',
        inputs: { thresholdRules: [{ thresholdPercent: 0.9 }] },
        dependencies: [],
        propertyDependencies: {},
      },
    ]);
  /** The production stack with one database changed. */
  const changed = (values: Readonly<Record<string, unknown>>) =>
    stack.map((each) => (each.type === instance && each.name.includes('core') ? withInputs(each, values) : each));
  const said = (all: readonly Diagnostic[]) => all.map(({ policy, level }) => `${level} ${policy}`);

  beforeAll(async () => {
    const prod = (await blueprints()).find(({ tier, recording }) => tier === 'prod' && recording.mode === 'up');
    stack = withBudget(prod?.recording.registrations ?? []);
  }, 180_000);
  afterAll(() => Promise.all(hosts.map((host) => host.end())));

  test('a violation names resource and way out, and is mandatory in its tier alone', async () => {
    const prod = await serve({ 'iot-platform:tier': 'prod' });
    await prod.configure();
    const found = await prod.analyzeStack(changed({ [availability]: 'ZONAL' }));
    expect(found).toEqual([
      expect.objectContaining({
        policy: 'stack-prod-survives-zone',
        level: 'mandatory',
        severity: 'high',
        urn: expect.stringMatching(/::database-core-instance$/),
        message: expect.stringMatching(/settings\.availabilityType: Set /),
      }),
    ]);
    expect(found[0]?.message).not.toMatch(/ZONAL/);

    const dev = await serve({ 'policies:tier': 'dev' });
    await dev.configure();
    // What production costs is above dev's ceiling.
    expect(said(await dev.analyzeStack(changed({ [availability]: 'ZONAL' })))).toEqual([
      'advisory stack-prod-survives-zone',
      'advisory stack-cost-ceiling',
    ]);
  }, 180_000);

  test('an unknown hides no violation beside it, and ends as one advisory with its path', async () => {
    const host = await serve({ 'iot-platform:tier': 'prod' });
    await host.configure();
    const found = await host.analyzeStack(
      changed({ [availability]: notKnownYet }).map((each) =>
        each.type === 'gcp:memorystore/instance:Instance' ? withInputs(each, { replicaCount: 0 }) : each,
      ),
    );
    expect(said(found)).toEqual(['mandatory stack-prod-survives-zone', 'advisory stack-prod-survives-zone']);
    expect(found[1]?.message).toMatch(/settings\.availabilityType/);
  }, 180_000);

  test("a team's configuration changes level and settings", async () => {
    const host = await serve({ 'iot-platform:tier': 'prod' });
    const broken = changed({ [availability]: 'ZONAL' });
    await host.configure({ 'stack-prod-survives-zone': { enforcementLevel: 'advisory' } });
    expect(said(await host.analyzeStack(broken))).toEqual(['advisory stack-prod-survives-zone']);
    await host.configure({ 'stack-prod-survives-zone': { enforcementLevel: 'disabled' } });
    expect(await host.analyzeStack(broken)).toEqual([]);
    await host.configure({ 'stack-required-labels': { labels: ['cost-center'] } });
    expect(said(await host.analyzeStack(stack))).toContain('mandatory stack-required-labels');
  }, 180_000);

  test('an exemption covers its resource until its day; then it is a violation itself', async () => {
    const exemption = {
      policy: 'stack-prod-survives-zone',
      resource: '*::database-core-instance',
      reason: 'moves next week',
      owner: 'data',
    };
    const exempt = async (expires: string) => {
      const exemptions = JSON.stringify([{ ...exemption, expires }]);
      const host = await serve({ 'iot-platform:tier': 'prod', 'policies:exemptions': exemptions });
      await host.configure();
      return said(await host.analyzeStack(changed({ [availability]: 'ZONAL' })));
    };
    expect(await exempt('2999-12-31')).toEqual([]);
    expect(await exempt('2020-01-31')).toEqual([
      'mandatory stack-prod-survives-zone',
      'mandatory platform-exemptions-valid',
    ]);
  }, 180_000);

  test('an exemption that nothing needs is a violation; one of what is not known yet is not', async () => {
    const exemptions = JSON.stringify([
      {
        policy: 'stack-prod-survives-zone',
        resource: '*::database-core-instance',
        reason: 'moves next week',
        owner: 'data',
        expires: '2999-12-31',
      },
    ]);
    const settings = { 'iot-platform:tier': 'prod', 'policies:exemptions': exemptions };
    const unused = await serve(settings);
    await unused.configure();
    expect(said(await unused.analyzeStack(stack))).toEqual(['mandatory platform-exemptions-valid']);
    const open = await serve(settings);
    await open.configure();
    expect(said(await open.analyzeStack(changed({ [availability]: notKnownYet })))).toEqual([
      'advisory stack-prod-survives-zone',
    ]);
  }, 180_000);

  test("the stack's tag is its tier where no setting says one", async () => {
    const host = await serve({});
    await host.configureStack('anything', { 'policies:tier': 'dev' });
    await host.configure();
    const found = await host.analyzeStack(changed({ [availability]: 'ZONAL' }));
    // What production costs is above dev's ceiling: that advises everywhere.
    expect(said(found)).toEqual(['advisory stack-prod-survives-zone', 'advisory stack-cost-ceiling']);
    expect(found[0]?.message).toMatch(/advises in tier dev.*database-core-instance: settings\.availabilityType: Set /);
    await host.configureStack('anything', {});
    expect(said(await host.analyzeStack(changed({ [availability]: 'ZONAL' })))).toEqual([
      'mandatory stack-prod-survives-zone',
    ]);
  }, 180_000);

  test('remediation is off; switched on it sets what is missing and leaves secrets and unknowns as they are', async () => {
    const secret = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', value: 'hunter2' };
    const given = changed({ 'settings.userLabels': { owner: 'data' }, rootPassword: secret, region: notKnownYet }).find(
      ({ type, name }) => type === instance && name.includes('core'),
    ) as Registration;
    const host = await serve({ 'iot-platform:tier': 'prod' });
    await host.configure();
    expect(await host.remediate(given)).toEqual([]);
    expect(said(await host.analyze(given))).toEqual(['mandatory own-labels']);

    const values = ['environment=prod', 'managed-by=pulumi'];
    await host.configure({ 'own-labels': { enforcementLevel: 'remediate', values } });
    const [remedied, ...more] = await host.remediate(given);
    expect(more).toEqual([]);
    expect(remedied?.policy).toBe('own-labels');
    expect(remedied?.inputs).toEqual(
      withInputs(given, { 'settings.userLabels': { owner: 'data', environment: 'prod', 'managed-by': 'pulumi' } })
        .inputs,
    );
    expect(await host.analyze({ ...given, inputs: remedied?.inputs ?? {} })).toEqual([]);

    // What it cannot set stays a violation, and a mandatory one.
    await host.configure({ 'own-labels': { enforcementLevel: 'remediate' } });
    expect(said(await host.analyze(given))).toEqual(['mandatory own-labels']);
  }, 180_000);

  test.each([
    ['net-subnet-flow-logs', 'gcp:compute/subnetwork:Subnetwork', 'logConfig'],
    ['pubsub-subscription-no-expiry', 'gcp:pubsub/subscription:Subscription', 'expirationPolicy'],
  ])(
    'remediation of %s: off unless asked for, and then it holds',
    async (policy, type, property) => {
      const host = await PackHost.start(folder('google-cloud'), { 'iot-platform:tier': 'prod' });
      hosts.push(host);
      const whole = stack.find((each) => each.type === type) as Registration;
      const broken = withInputs(whole, { [property]: undefined });
      await host.configure();
      expect(await host.remediate(broken)).toEqual([]);
      expect(said(await host.analyze(broken))).toContain(`mandatory ${policy}`);
      await host.configure({ [policy]: { enforcementLevel: 'remediate' } });
      const [remedied] = await host.remediate(broken);
      expect(remedied).toMatchObject({ policy, inputs: { [property]: expect.anything() } });
      const mended = { ...broken, inputs: remedied?.inputs ?? {} };
      expect(said(await host.analyze(mended))).not.toContain(`mandatory ${policy}`);
    },
    180_000,
  );

  test('a pack that cannot read its settings does not start, and says which', async () => {
    await expect(serve({ 'policies:exemptions': '[{"policy":"x"}]' })).rejects.toThrow(/exemption 0 has no resource/);
  }, 180_000);
});

const pulumi = findPulumi();
const images = Object.fromEntries(
  imageNames.map((name) => [name, `europe-west1-docker.pkg.dev/iot/images/${name}@sha256:${'1'.repeat(64)}`]),
);

describe.skipIf(pulumi === undefined)(
  `the packs below the real engine${pulumi === undefined ? ` (${missingPulumi})` : ''}`,
  () => {
    /** Of a file there is no stack, which the engine's other commands all name. */
    const analyzed = (file: string) =>
      spawnSync(
        pulumi as string,
        ['policy', 'analyze', '--non-interactive', '--policy-pack', folder('platform'), '--file', file],
        {
          encoding: 'utf8',
          env: {
            ...process.env,
            PATH: [join(pulumi as string, '..'), join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
            PULUMI_SKIP_UPDATE_CHECK: 'true',
          },
        },
      );
    let engine: Engine;
    let dir: string;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'iot-packs-'));
      engine = await Engine.create(pulumi as string, ['gcp', 'kubernetes', 'random', 'command']);
      await engine.init('prod', {
        tier: 'prod',
        project: 'fake-project',
        region: 'europe-west1',
        domain: 'iot.example.com',
        pushImages: false,
        images,
        // Without a cloud the control plane never gets an address; objects are written instead.
        renderKubernetesTo: join(dir, 'objects'),
      });
    }, 180_000);
    afterAll(async () => {
      await engine?.end();
      await rm(dir, { recursive: true, force: true });
    });

    test('policy analyze judges the state of a stack without the stack', async () => {
      const up = await engine.run('prod', 'up', '--yes', '--skip-preview');
      expect(up.code).toBe(0);
      const file = join(dir, 'state.json');
      expect((await engine.run('prod', 'stack', 'export', '--file', file)).code).toBe(0);
      const state = JSON.parse(readFileSync(file, 'utf8'));
      expect(state.deployment.resources.length).toBeGreaterThan(300); // an empty state passes everything

      const good = analyzed(file);
      expect(good.stdout).not.toMatch(/\[mandatory\]/);
      expect(good.status).toBe(0);

      for (const each of state.deployment.resources)
        if (each.type === 'gcp:sql/databaseInstance:DatabaseInstance') each.outputs.settings.availabilityType = 'ZONAL';
      writeFileSync(file, JSON.stringify(state));
      const bad = analyzed(file);
      expect(bad.stdout).toMatch(/\[mandatory\] +\[severity: high\] +stack-prod-survives-zone/);
      expect(bad.status).toBe(1);
    }, 400_000);
  },
);
