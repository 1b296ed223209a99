import type { Pack } from '../../policies/framework/pack.ts';
import type { Policy } from '../../policies/framework/policy.ts';
import { googleCloud } from '../../policies/google-cloud/policies.ts';
import { kubernetes } from '../../policies/kubernetes/policies.ts';
import { platform } from '../../policies/platform/policies.ts';
import { type Benchmark, benchmarks } from './benchmarks.ts';
import { catalogue, coveredBy as coveringRows, missing, notApplicable } from './policy-catalogue.ts';

/** Every pack that there is; a folder without a line here fails the reference's test. */
export const packs: readonly Pack[] = [googleCloud, kubernetes, platform];

/** Every policy with its level, its reason, its settings, and which number of which benchmark it covers. */
export function policiesReference(given: readonly Pack[] = packs): string {
  const all = given.flatMap(({ policies }) => policies);
  const severe = all.filter(({ severity }) => severity === 'critical' || severity === 'high').length;
  return [
    '# Policies',
    '',
    `${all.length} policies in ${given.length} packs, ${severe} of them critical or high. [How to use them](../how-to/policies.md).`,
    'A policy that is mandatory in some tiers only advises in the others. Each pack has one more, `PACK-exemptions-valid`, for',
    'exemptions that expired or that nothing needs. Made from the code by `npm run check -- --write`.',
    '',
    ...given.flatMap(packSection),
    '## Coverage',
    '',
    '| benchmark | numbers covered | policies |',
    '|---|---|---|',
    ...benchmarks.map((each) => {
      const covered = coveredBy(all, each);
      return `| [${each.title}](${each.source}) | ${covered.size} | ${new Set([...covered.values()].flat()).size} |`;
    }),
    '',
    ...benchmarks.flatMap((each) => coverageSection(all, each)),
    ...catalogueSection(),
  ].join('\n');
}

function packSection({ name, description, policies }: Pack): string[] {
  return [
    `## ${name}`,
    '',
    `${description}. ${policies.length} policies.`,
    '',
    '| policy | level | severity | requires | what to do | elsewhere |',
    '|---|---|---|---|---|---|',
    ...policies.map(
      (policy) =>
        `| [\`${policy.id}\`](${policy.url}) | ${levelOf(policy)} | ${policy.severity} | ${cell(policy.description)} | ${cell(policy.remediation)} | ${elsewhere(policy)} |`,
    ),
    '',
    ...settingsTable(policies),
  ];
}

function settingsTable(policies: readonly Policy[]): string[] {
  const rows = policies.flatMap(({ id, settings = {} }) =>
    Object.entries(settings).map(
      ([name, setting]) =>
        `| \`${id}\` | \`${name}\` | ${cell(setting.description)} | \`${cell(JSON.stringify(setting.default))}\` |`,
    ),
  );
  return rows.length === 0 ? [] : ['| policy | setting | meaning | default |', '|---|---|---|---|', ...rows, ''];
}

const levelOf = ({ level, tiers }: Policy): string => (tiers === undefined ? level : `${level} in ${tiers.join(', ')}`);

function elsewhere({ references }: Policy): string {
  const numbers = benchmarks.flatMap(({ key, title }) => {
    const cited = references[key] ?? [];
    if (cited.length === 0) return [];
    return key === 'checkov' || key === 'trivy' ? [cited.join(', ')] : [`${short(title)} ${cited.join(', ')}`];
  });
  return numbers.length === 0 ? 'nothing has it' : numbers.join('; ');
}

const short = (title: string): string =>
  title
    .replace('Google Cloud Platform Foundation', 'GCP')
    .replace('Google Kubernetes Engine', 'GKE')
    .replace('Kubernetes Pod Security Standards', 'PSS');

function coveredBy(policies: readonly Policy[], { key }: Benchmark): ReadonlyMap<string, readonly string[]> {
  const covered = new Map<string, string[]>();
  for (const { id, references } of policies)
    for (const number of references[key] ?? []) covered.set(number, [...(covered.get(number) ?? []), id]);
  return new Map([...covered].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}

function coverageSection(policies: readonly Policy[], benchmark: Benchmark): string[] {
  const rows = [...coveredBy(policies, benchmark)].map(
    ([number, ids]) => `| ${number} | ${ids.map((id) => `\`${id}\``).join(', ')} |`,
  );
  return [
    `### ${benchmark.title}`,
    '',
    '| number | covered by, or why not |',
    '|---|---|',
    ...rows,
    ...benchmark.otherwise.map(({ number, why }) => `| ${number} | ${why} |`),
    '',
  ];
}

/** One row of the catalogue: who covers it, or why nobody does. */
export type Row = { readonly id: string; readonly level: string; readonly by: readonly string[]; readonly why: string };

export const catalogueRows = (): readonly Row[] =>
  catalogue.flatMap(({ rows }) =>
    Object.entries(rows).flatMap(([level, ids]) =>
      ids.map((id): Row => {
        const why = notApplicable[id] ?? missing[id];
        return why === undefined ? { id, level, by: coveringRows[id] ?? [id], why: '' } : { id, level, by: [], why };
      }),
    ),
  );

function catalogueSection(): string[] {
  const rows = catalogueRows();
  const covered = rows.filter(({ by }) => by.length > 0).length;
  const open = Object.keys(missing).length;
  return [
    '## Catalogue',
    '',
    'The rules that the packs set out to have, by what benchmarks, scanners and the packs of others ask for, and by what none',
    'of them does. Levels are those that were set out; a policy’s own level and settings are above.',
    '',
    `${rows.length} rows: ${covered} covered, ${rows.length - covered - open} not applicable, ${open} missing.`,
    '',
    ...catalogue.flatMap(({ title, rows: levels }) => [
      `### ${title}`,
      '',
      '| row | level | covered by, or why not |',
      '|---|---|---|',
      ...rows
        .filter(({ id, level }) => levels[level]?.includes(id))
        .map(
          ({ id, level, by, why }) => `| \`${id}\` | ${level} | ${why || by.map((each) => `\`${each}\``).join(', ')} |`,
        ),
      '',
    ]),
  ];
}

const cell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;').trim();
