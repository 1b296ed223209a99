import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { workloadNames } from '../../../infra/access.ts';
import { accountIdOf, namespaceOf } from '../../../infra/identity/names.ts';
import { environmentName, type NameKind, nameLaws, nameOf } from '../../../infra/plan/names.ts';
import { busName, busPlan } from '../../../runtime/contracts/bus.ts';

const kinds = Object.keys(nameLaws) as NameKind[];
/** Names that a stack may have. */
const environments = fc.stringMatching(/^[a-z][a-z0-9-]{0,14}[a-z0-9]$/);
/** Parts as components give them. */
const part = fc.stringMatching(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/);
const longest = `a${'b'.repeat(14)}c`;

describe('the law of names', () => {
  test('every kind takes the longest environment name with any part', () => {
    expect(longest).toMatch(environmentName);
    fc.assert(
      fc.property(fc.constantFrom(...kinds), part, part, (kind, one, two) => {
        for (const name of [nameOf(kind, longest, one), nameOf(kind, longest, one, two)]) {
          expect(name.length).toBeGreaterThanOrEqual(nameLaws[kind].min);
          expect(name.length).toBeLessThanOrEqual(nameLaws[kind].max);
          expect(name).toMatch(nameLaws[kind].pattern);
        }
      }),
    );
  });

  test('two names that differ stay different, shortened or not', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), environments, part, part, (kind, environment, one, two) => {
        fc.pre(one !== two && one.length > 5 && two.length > 5);
        expect(nameOf(kind, environment, one)).not.toBe(nameOf(kind, environment, two));
      }),
    );
  });

  test('a name that is short enough is as it was given', () => {
    expect(nameOf('cluster', 'prod', 'cluster')).toBe('prod-cluster');
  });

  test('one that is too long keeps its beginning and ends with its hash', () => {
    const name = nameOf('serviceAccount', longest, 'a-workload-with-a-long-name');
    expect(name).toMatch(/^abbbbbbbbbbbbbbc-a-work?-?[0-9a-f]{6}$/);
    expect(name.length).toBeLessThanOrEqual(30);
  });

  test.each<[NameKind, string[], RegExp]>([
    ['serviceAccount', ['a', 'b'], /name 'a-b' for serviceAccount: allowed is 6 to 30 characters/],
    ['pubsub', ['goog', 'x'], /name 'goog-x' for pubsub/],
    ['compute', ['Prod'], /name 'Prod' for compute/],
  ])('%s %j is refused with the law and its source', (kind, parts, words) => {
    expect(() => nameOf(kind, ...parts)).toThrow(words);
    expect(() => nameOf(kind, ...parts)).toThrow(/https:\/\//);
  });

  test.each([...workloadNames])('workload %s has an account and a namespace in every environment', (workload) => {
    fc.assert(
      fc.property(environments, (name) => {
        expect(accountIdOf({ name }, workload).length).toBeLessThanOrEqual(30);
        expect(namespaceOf({ name }).length).toBeLessThanOrEqual(63);
      }),
    );
  });

  test('topics and subscriptions fit', () => {
    for (const name of [...busPlan.topics, ...busPlan.subscriptions.map((each) => each.name)])
      expect(busName(longest, name)).toMatch(nameLaws.pubsub.pattern);
  });
});
