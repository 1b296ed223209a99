import { describe, expect, test } from 'vitest';
import { tiers } from '../../infra/tiers.ts';
import { recordEnvironment } from './support/environments.ts';

/** A destroy deletes what nothing depends on first, and keeps whatever a resource that it could not delete depends on. */
describe.each(['dev', 'prod'] as const)('the guard of tier %s', (tier) => {
  test('depends on every resource, and is protected as the tier is', async () => {
    const { registrations } = await recordEnvironment({
      tier,
      settings: tier === 'prod' ? { ci: { repository: 'example/iot', branch: 'main' } } : {},
    });
    const byUrn = new Map(registrations.map((each) => [each.urn, each]));
    const guard = registrations.find(({ name }) => name === 'guard');
    expect(guard?.protect).toBe(tiers[tier].lifecycle.protect);

    const kept = new Set<string>();
    const keep = (urn: string) => {
      if (kept.has(urn)) return;
      kept.add(urn);
      const each = byUrn.get(urn);
      const provider = each?.provider.split('::').slice(0, -1).join('::') ?? '';
      for (const next of [...(each?.dependencies ?? []), provider]) if (byUrn.has(next)) keep(next);
    };
    keep(guard?.urn ?? '');
    const free = registrations.filter(
      ({ custom, urn, type }) => custom && !kept.has(urn) && !type.includes('StackRef'),
    );
    expect(free.map(({ urn }) => urn)).toEqual([]);
  });
});
