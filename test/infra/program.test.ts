import { describe, expect, test } from 'vitest';
import { recordEnvironment } from './support/environments.ts';

describe('the environment program', () => {
  test('a preview registers what an up registers', async () => {
    const up = await recordEnvironment({ tier: 'prod' });
    const preview = await recordEnvironment({ tier: 'prod', mode: 'preview' });
    expect(up.registrations.length).toBeGreaterThan(3);
    expect(preview.registrations.map(({ urn }) => urn)).toEqual(up.registrations.map(({ urn }) => urn));
  });

  test('a loosened default warns with its path and both values', async () => {
    const { warnings } = await recordEnvironment({
      tier: 'prod',
      settings: { hardening: { 'edge.cloudArmor': false } },
    });
    expect(warnings).toContainEqual(
      expect.stringMatching(/^hardening edge\.cloudArmor is false, and the default is true/),
    );
  });

  test('a tier or a shard count that goes down is refused before anything is registered', async () => {
    const history = { tier: 'prod', shards: 3, region: 'europe-west1', project: 'iot-dev-1' };
    await expect(recordEnvironment({ tier: 'dev', history })).rejects.toThrow(
      /tier is 'dev', and the stack is up as prod.*\n.*shards is 1, and the stack is up with 3/,
    );
  });

  test('all wrong settings are named at once', async () => {
    await expect(
      recordEnvironment({ tier: 'prod', settings: { domain: 'x', tierr: 1, region: 'mars' } }),
    ).rejects.toThrow(
      /3 wrong settings of stack prod:\n.*region is 'mars'.*\n.*domain is 'x'.*\n.*tierr is not a setting; did you mean tier\?/,
    );
  });
});
