import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { benchmarks } from '../checks/benchmarks.ts';
import { catalogueRows, packs, policiesReference } from '../checks/policies.ts';
import { catalogue, coveredBy, missing, notApplicable } from '../checks/policy-catalogue.ts';
import { root } from '../infra/truth/compile.ts';

const all = packs.flatMap(({ policies }) => policies);
const text = policiesReference();

describe('the reference of policies', () => {
  test('has every pack that the folder has', () => {
    const folders = readdirSync(join(root, 'policies')).filter((each) =>
      existsSync(join(root, 'policies', each, 'PulumiPolicy.yaml')),
    );
    expect(packs.map(({ name }) => name).sort()).toEqual(folders.sort());
  });

  test('has a row for each policy and each of its settings, and no id twice over all packs', () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const { id, settings = {} } of all) {
      expect(text).toContain(`| [\`${id}\`](`);
      for (const name of Object.keys(settings)) expect(text).toContain(`| \`${id}\` | \`${name}\` |`);
    }
  });

  test('covers every number that a policy cites', () => {
    for (const { id, references } of all)
      for (const number of Object.values(references).flat())
        expect(text).toMatch(new RegExp(`^\\| ${number.replaceAll('.', '\\.')} \\| .*\`${id}\``, 'm'));
  });

  test('a policy that is left out is missed', () => {
    const [first, ...rest] = packs;
    const [dropped] = first?.policies ?? [];
    const less = [{ ...first, policies: first?.policies.slice(1) }, ...rest] as typeof packs;
    expect(policiesReference(less)).not.toContain(`[\`${dropped?.id}\`](`);
  });
});

describe('the catalogue', () => {
  const rows = catalogueRows();
  const ids = new Set([...all.map(({ id }) => id), ...packs.map(({ name }) => `${name}-exemptions-valid`)]);

  test('has each row once, and each is covered by policies that there are, or has a reason', () => {
    expect(rows).toHaveLength(261);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(261);
    for (const { id, by, why } of rows) {
      if (why === '') expect(by.length, id).toBeGreaterThan(0);
      for (const each of by) expect([...ids], id).toContain(each);
    }
  });

  test('what is left out is no policy, and what is called otherwise is a row', () => {
    const known = catalogue.flatMap(({ rows: levels }) => Object.values(levels).flat());
    for (const id of [...Object.keys(notApplicable), ...Object.keys(missing)]) expect([...ids]).not.toContain(id);
    for (const id of [coveredBy, notApplicable, missing].flatMap(Object.keys)) expect(known).toContain(id);
  });

  test('the reference says how many', () => {
    const covered = rows.filter(({ by }) => by.length > 0).length;
    expect(text).toContain(`261 rows: ${covered} covered, ${261 - covered} not applicable, 0 missing.`);
  });
});

describe.each(benchmarks.map((each) => [each.key, each] as const))('%s', (key, { otherwise }) => {
  const covered = new Set(all.flatMap(({ references }) => references[key] ?? []));
  const left = otherwise.flatMap(({ number }) => number.split(', ').flatMap(expanded));

  test('no number is both covered and left', () => {
    expect(left.filter((number) => covered.has(number))).toEqual([]);
  });

  test('what is left is by hand or does not apply', () => {
    for (const { number, why } of otherwise) expect(why, number).toMatch(/^(by hand|not applicable): /);
  });

  if (key === 'cis-gke')
    test('every recommendation for workloads and the managed service is covered or left with its reason', () => {
      const lengths: Readonly<Record<string, number>> = {
        ...{ '4.1': 10, '4.2': 1, '4.3': 2, '4.4': 2, '4.5': 1, '4.6': 4 },
        ...{ '5.1': 4, '5.2': 2, '5.3': 1, '5.4': 1, '5.5': 7, '5.6': 8, '5.7': 2, '5.8': 3, '5.9': 2 },
      };
      const numbers = Object.entries(lengths).flatMap(([section, length]) =>
        Array.from({ length }, (_, index) => `${section}.${index + 1}`),
      );
      expect(numbers.filter((number) => !covered.has(number) && !left.includes(number))).toEqual([]);
    });
});

/** `4.2 to 4.5` is four numbers. */
function expanded(text: string): string[] {
  const [, before = '', from, to] = /^(.*\.)(\d+) to .*\.(\d+)$/.exec(text) ?? [];
  if (from === undefined) return [text];
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => `${before}${Number(from) + index}`);
}

/** Every control of https://kubernetes.io/docs/concepts/security/pod-security-standards/ as of Kubernetes 1.34. */
test('the Pod Security Standards are covered whole', () => {
  const cited = new Set(all.flatMap(({ references }) => references.pss ?? []));
  expect([...cited].sort()).toEqual([
    'baseline/apparmor',
    'baseline/capabilities',
    'baseline/host-namespaces',
    'baseline/host-ports',
    'baseline/host-probes-and-lifecycle-hooks',
    'baseline/hostpath-volumes',
    'baseline/hostprocess',
    'baseline/privileged-containers',
    'baseline/proc-mount-type',
    'baseline/seccomp',
    'baseline/selinux',
    'baseline/sysctls',
    'restricted/capabilities',
    'restricted/privilege-escalation',
    'restricted/running-as-non-root',
    'restricted/running-as-non-root-user',
    'restricted/seccomp',
    'restricted/volume-types',
  ]);
});
