import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeAll } from '../../../policies/framework/judge.ts';
import { levelIn, type Pack } from '../../../policies/framework/pack.ts';
import { violationOf } from '../../../policies/framework/policy.ts';
import { inProduction, notKnownYet } from '../../../policies/framework/testing.ts';
import { root } from '../../infra/truth/compile.ts';
import { blueprints } from './blueprints.ts';
import { resourcesOf } from './prove.ts';

/** What holds for each pack: metadata whole, a test a topic, and a blueprint that breaks nothing mandatory. */
export function provePack({ policies, name }: Pack, folder: string): void {
  test('ids are unique, and each policy says what, why and how', () => {
    expect(policies.length).toBeGreaterThan(0);
    expect(new Set(policies.map(({ id }) => id)).size).toBe(policies.length);
    for (const { id, description, remediation, url } of policies) {
      expect(id).toMatch(/^[a-z][a-z0-9-]+$/);
      expect(description, id).toMatch(/^.{20,300}\.$/s);
      expect(remediation, id).toMatch(/^.{15,400}\.$/s);
      expect(url, id).toMatch(/^https:\/\//);
    }
  });

  test('each topic is in the pack and has its proofs', () => {
    // A pack that was packed has its bundle beside its sources.
    for (const file of readdirSync(join(root, 'policies', folder)).filter((name) => name.endsWith('.ts'))) {
      const text = readFileSync(join(root, 'policies', folder, file), 'utf8');
      if (!/^export const \w+Policies/m.test(text)) continue;
      const tests = join(root, 'test/policies', folder, file.replace('.ts', '.test.ts'));
      expect(existsSync(tests), `${tests} is missing`).toBe(true);
      expect(readFileSync(tests, 'utf8'), tests).toMatch(/\bprove\(/);
      for (const [, id = ''] of text.matchAll(/^ {4}id: '([^']+)'/gm))
        expect(
          policies.map((policy) => policy.id),
          file,
        ).toContain(id);
    }
  });

  test('the blueprint breaks nothing mandatory, in any tier', async () => {
    const broken: string[] = [];
    for (const { tier, recording } of await blueprints())
      for (const [id, { violations }] of judgeAll(policies, resourcesOf(recording), { ...inProduction, tier })) {
        const policy = policies.find((each) => each.id === id);
        if (policy === undefined || levelIn(policy, tier) !== 'mandatory') continue;
        for (const { urn, at } of violations)
          broken.push(
            `${tier} (${recording.mode}): ${name}/${id} ${urn?.split('::').slice(2).join('::')} ${violationOf(policy, at)}`,
          );
      }
    expect(broken).toEqual([]);
  }, 240_000);

  test('no message holds a value, and no policy falls over what it did not expect', async () => {
    const [prod] = (await blueprints()).filter(({ tier, recording }) => tier === 'prod' && recording.mode === 'up');
    const resources = resourcesOf(prod?.recording ?? { mode: 'up', registrations: [], warnings: [], outputs: {} });
    expect(resources.length).toBeGreaterThan(100);
    const replacements = [canary, 7, null, true, [], [canary], [null], {}, { [canary.toLowerCase()]: 1 }, notKnownYet];
    const spoken = [
      // Every text inside is the canary: whatever a message quotes is one.
      resources.map((each) => ({ ...each, props: texts(each.props) })),
      // Every property is something else altogether.
      ...replacements.map((value) =>
        resources.map((each) => ({
          ...each,
          props: Object.fromEntries(Object.keys(each.props).map((key) => [key, value])),
        })),
      ),
    ].flatMap((changed) =>
      [...judgeAll(policies, changed, inProduction)].flatMap(([id, { violations, undecided }]) => {
        const policy = policies.find((each) => each.id === id);
        if (policy === undefined) throw new Error(`${id} is of no pack`);
        return [...violations.map(({ at }) => `${id}: ${violationOf(policy, at)}`), ...undecided];
      }),
    );
    expect(spoken.length).toBeGreaterThan(10);
    expect(spoken.filter((message) => message.includes(canary))).toEqual([]);
  }, 240_000);
}

const canary = 'CANARY-OF-A-SECRET';

function texts(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const changed = (each: unknown): unknown => {
    if (typeof each === 'string') return canary;
    if (Array.isArray(each)) return each.map(changed);
    return typeof each === 'object' && each !== null ? texts(each as Record<string, unknown>) : each;
  };
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, changed(each)]));
}
