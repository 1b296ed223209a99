import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageNames } from '../../../infra/images/names.ts';
import { Engine, findPulumi, missingPulumi } from './pulumi.ts';

const pulumi = findPulumi();
const images = Object.fromEntries(
  imageNames.map((name) => [name, `registry.example.com/iot/${name}@sha256:${'1'.repeat(64)}`]),
);
const settings = {
  tier: 'dev',
  project: 'fake-project',
  region: 'europe-west1',
  devices: 1000,
  pushImages: false,
  images,
};
const last = (lines: string[], operation: string, type: string) =>
  lines.findLastIndex((line) => line.startsWith(`${operation} `) && line.includes(`${type}::`));
const first = (lines: string[], operation: string, type: string) =>
  lines.findIndex((line) => line.startsWith(`${operation} `) && line.includes(`${type}::`));

/** The real engine decides; the providers below it keep no cloud. */
describe.skipIf(pulumi === undefined)(
  `the engine's life of an environment${pulumi === undefined ? ` (${missingPulumi})` : ''}`,
  () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await Engine.create(pulumi as string, ['gcp', 'kubernetes', 'random', 'command']);
      await engine.init('dev', settings);
    }, 60_000);
    afterAll(() => engine?.end());

    test('up creates, a second up changes nothing, a lowered tier is refused, destroy leaves nothing', async () => {
      const up = await engine.run('dev', 'up', '--yes', '--skip-preview');
      expect(`${up.stdout}${up.stderr}`).not.toMatch(/error:/);
      expect(up.code).toBe(0);
      const created = await engine.journal();
      expect(created.length).toBeGreaterThan(5);

      const again = await engine.run('dev', 'up', '--yes', '--skip-preview', '--expect-no-changes');
      expect(`${again.stdout}${again.stderr}`).not.toMatch(/error:/);
      expect(await engine.journal()).toEqual([]);

      await engine.settings('dev', { ...settings, region: 'europe-west4' });
      const moved = await engine.run('dev', 'preview');
      expect(moved.code).not.toBe(0);
      expect(`${moved.stdout}${moved.stderr}`).toMatch(
        /region is 'europe-west4', and the stack is up in 'europe-west1'/,
      );
      await engine.settings('dev', settings);

      const destroyed = await engine.run('dev', 'destroy', '--yes', '--skip-preview');
      expect(`${destroyed.stdout}${destroyed.stderr}`).not.toMatch(/error:/);
      const deleted = await engine.journal();
      expect(deleted.filter((line) => line.startsWith('delete')).length).toBeGreaterThan(5);
      expect(first(deleted, 'delete', 'gcp:compute/network:Network')).toBeGreaterThan(
        last(deleted, 'delete', 'gcp:compute/subnetwork:Subnetwork'),
      );
    }, 300_000);
  },
);
