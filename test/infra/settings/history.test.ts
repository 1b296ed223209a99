import { describe, expect, test } from 'vitest';
import { environmentOf, type History } from '../../../infra/settings/environment.ts';
import { EnvironmentSettings } from '../../../infra/settings/schema.ts';
import { type TierName, tierNames } from '../../../infra/tiers.ts';

const build = (own: Record<string, unknown>, history: History) =>
  environmentOf(
    'main',
    EnvironmentSettings.parse({
      tier: 'dev',
      project: 'iot-dev-1',
      region: 'europe-west1',
      domain: 'iot.example.com',
      ...own,
    }),
    history,
  );
const up = (own: Partial<NonNullable<History>> = {}): History => ({
  tier: 'dev',
  shards: 1,
  region: 'europe-west1',
  project: 'iot-dev-1',
  ...own,
});

describe('what an up must never do by a changed setting', () => {
  test.each<[string, Record<string, unknown>, History, RegExp]>([
    ['prod to dev', {}, up({ tier: 'prod' }), /tier is 'dev', and the stack is up as prod: .*Leave tier at prod/],
    ['staging to dev', {}, up({ tier: 'staging' }), /tier is 'dev', and the stack is up as staging/],
    ['dev to ephemeral', { tier: 'ephemeral' }, up(), /tier is 'ephemeral', and the stack is up as dev/],
    [
      'fewer shards',
      { shards: 2 },
      up({ shards: 3 }),
      /shards is 2, and the stack is up with 3: .*Set shards to 3 or more/,
    ],
    ['a smaller fleet with fewer shards', {}, up({ shards: 2 }), /shards is 1, and the stack is up with 2/],
    ['another region', { region: 'us-east1' }, up(), /region is 'us-east1', and the stack is up in 'europe-west1'/],
    ['another project', { project: 'iot-dev-2' }, up(), /project is 'iot-dev-2', and the stack is up in 'iot-dev-1'/],
  ])('%s is refused', (_name, own, history, words) => {
    expect(() => build(own, history)).toThrow(words);
    expect(() => build(own, history)).toThrow(/^1 wrong setting of stack main/);
  });

  test('every one at once', () => {
    expect(() => build({ region: 'us-east1' }, up({ tier: 'prod', shards: 4, project: 'iot-old-1' }))).toThrow(
      /^4 wrong settings/,
    );
  });

  test.each<[string, Record<string, unknown>, History]>([
    ['a first up', {}, null],
    ['the same again', {}, up()],
    ['more shards', { shards: 3 }, up({ shards: 2 })],
    ['a larger fleet', { devices: 200_000 }, up()],
    ['a smaller fleet that keeps its shards', { shards: 3 }, up({ shards: 3 })],
  ])('%s is accepted', (_name, own, history) => {
    expect(build(own, history).environment.name).toBe('main');
  });

  test.each(tierNames.map((tier, i): [TierName, TierName] => [tier, tierNames[i + 1] ?? 'prod']))(
    'a tier may go up: %s to %s',
    (before, after) => {
      expect(build({ tier: after }, up({ tier: before })).environment.tier.name).toBe(after);
    },
  );
});

test('protection off drops it from a protected tier, and from nothing else of it', () => {
  const { tier } = build({ tier: 'prod', protection: 'off' }, up({ tier: 'prod' })).environment;
  expect(tier).toMatchObject({
    name: 'prod',
    lifecycle: { protect: false, apiProtection: false, deletionPolicy: 'DELETE' },
  });
  expect(tier.database.availability).toBe('REGIONAL');
});
