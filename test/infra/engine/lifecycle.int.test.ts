import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageNames } from '../../../infra/images/names.ts';
import { Engine, findPulumi, missingPulumi } from './pulumi.ts';

const pulumi = findPulumi();
const images = Object.fromEntries(
  imageNames.map((name) => [name, `registry.example.com/iot/${name}@sha256:${'1'.repeat(64)}`]),
);
const dev = {
  tier: 'dev',
  project: 'fake-project',
  region: 'europe-west1',
  domain: 'dev.example.com',
  devices: 1000,
  pushImages: false,
  images,
};

/** Place of the first or last deletion of a type in the journal. */
const deletions = (lines: string[], type: string) =>
  lines.flatMap((line, at) => (line.startsWith('delete ') && line.includes(`${type}::`) ? [at] : []));

/** The real engine decides; the providers below it keep no cloud. */
describe.skipIf(pulumi === undefined)(
  `the engine's life of an environment${pulumi === undefined ? ` (${missingPulumi})` : ''}`,
  () => {
    let engine: Engine;
    const ok = async (stack: string, ...words: string[]) => {
      const ran = await engine.run(stack, ...words);
      expect(`${ran.stdout}${ran.stderr}`).not.toMatch(/error:/);
      expect(ran.code).toBe(0);
      return ran;
    };
    const refused = async (stack: string, ...words: string[]) => {
      const ran = await engine.run(stack, ...words);
      expect(ran.code).not.toBe(0);
      return `${ran.stdout}${ran.stderr}`;
    };
    beforeAll(async () => {
      engine = await Engine.create(pulumi as string, ['gcp', 'kubernetes', 'random', 'command']);
    }, 60_000);
    afterAll(() => engine?.end());

    test('up creates, a second up changes nothing, a move is refused, destroy leaves nothing, up works again', async () => {
      await engine.init('dev', dev);
      await ok('dev', 'preview');
      expect(await engine.journal()).toEqual([]);
      await ok('dev', 'up', '--yes', '--skip-preview');
      expect((await engine.journal()).length).toBeGreaterThan(150);

      await ok('dev', 'up', '--yes', '--skip-preview', '--expect-no-changes');
      expect(await engine.journal()).toEqual([]);

      await engine.settings('dev', { ...dev, region: 'europe-west4' });
      const refusal = await refused('dev', 'preview');
      expect(refusal).toMatch(/region is 'europe-west4', and the stack is up in 'europe-west1'/);
      // A stack trace below it hides what to do.
      expect(refusal).not.toMatch(/\n\s+at .*\.(ts|mjs):\d/);
      await engine.settings('dev', dev);

      await ok('dev', 'destroy', '--yes', '--skip-preview');
      const deleted = await engine.journal();
      const [cluster] = deletions(deleted, 'gcp:container/cluster:Cluster') as [number];
      const balancers = [
        ...deletions(deleted, 'kubernetes:core/v1:Service'),
        ...deletions(deleted, 'kubernetes:gateway.networking.k8s.io/v1:Gateway'),
      ];
      expect(balancers.length).toBeGreaterThanOrEqual(2);
      expect(Math.max(...balancers)).toBeLessThan(cluster);
      expect(cluster).toBeLessThan(Math.min(...deletions(deleted, 'gcp:compute/subnetwork:Subnetwork')));
      expect(deletions(deleted, 'gcp:compute/network:Network')).toHaveLength(1);

      await ok('dev', 'up', '--yes', '--skip-preview');
    }, 600_000);

    test('a preview lives inside it and ends without touching it', async () => {
      await engine.init('pr-12', {
        program: 'preview',
        project: dev.project,
        region: dev.region,
        environment: 'dev',
        leaseUntil: '2026-11-24T12:00:00Z',
      });
      await engine.journal();
      await ok('pr-12', 'up', '--yes', '--skip-preview');
      expect((await engine.journal()).length).toBeGreaterThan(20);
      await ok('pr-12', 'up', '--yes', '--skip-preview', '--expect-no-changes');
      await ok('pr-12', 'destroy', '--yes', '--skip-preview');
      expect((await engine.journal()).every((line) => line.includes('urn:pulumi:pr-12::'))).toBe(true);
    }, 300_000);

    test('a guarded tier refuses its destroy until protection is off', async () => {
      const prod = { ...dev, tier: 'staging' };
      await engine.init('guarded', prod);
      await ok('guarded', 'up', '--yes', '--skip-preview');
      await engine.journal();
      expect(await refused('guarded', 'destroy', '--yes', '--skip-preview')).toMatch(/protect/);
      expect(await engine.journal()).toEqual([]);
      await engine.settings('guarded', { ...prod, protection: 'off' });
      await ok('guarded', 'up', '--yes', '--skip-preview');
      await ok('guarded', 'destroy', '--yes', '--skip-preview');
    }, 600_000);

    test('an engine that is older than the pin is refused before anything runs', async () => {
      await engine.edit('Pulumi.yaml', '>=3.255.0 <4.0.0', '>=3.900.0 <4.0.0');
      expect(await refused('dev', 'preview')).toMatch(/3\.900\.0/);
    }, 120_000);
  },
);
