import { cited, type Pair } from './compare.ts';
import { type Disagreement, disagreements, explains, kindOf } from './disagreements.ts';

/** What is wrong with the comparison: disagreements that nothing explains, and explanations that nothing needs. */
export function problemsOf(pairs: readonly Pair[]): { unexplained: string[]; idle: string[] } {
  const needed = new Set<Disagreement>();
  const unexplained = new Map<string, string[]>();
  const tell = (what: string, where: string) => unexplained.set(what, [...(unexplained.get(what) ?? []), where]);
  const spoken = new Set(pairs.map(({ check }) => check));
  for (const pair of pairs) {
    if (kindOf(pair) === null || isRelation(pair.check)) continue;
    const found = disagreements.filter((each) => explains(each, pair));
    for (const each of found) needed.add(each);
    if (found.length === 0)
      tell(`${pair.check} ${pair.type}: checkov ${pair.theirs}, ours ${pair.ours}`, pair.change || 'as it is');
  }
  for (const check of spoken) {
    const broken = pairs.some((pair) => pair.check === check && (pair.ours !== 'passes' || pair.theirs === 'fails'));
    if (!broken) tell(`${check}: no resource breaks it`, 'nothing is compared');
  }
  for (const check of cited.keys()) {
    if (spoken.has(check) || isRelation(check)) continue;
    const found = disagreements.find(({ checks, only }) => only === 'silent' && checks.includes(check));
    if (found === undefined) tell(`${check}: checkov said nothing`, 'any resource');
    else needed.add(found);
  }
  const idle = disagreements.flatMap((each) => {
    const checks = each.checks.filter((check) =>
      each.only === 'silent'
        ? spoken.has(check) || !cited.has(check)
        : !pairs.some((pair) => pair.check === check && explains(each, pair)),
    );
    return [...checks.map((check) => `${check}: ${each.why}`), ...(needed.has(each) ? [] : [each.why])];
  });
  return {
    unexplained: [...unexplained].map(([what, where]) => `${what} (${where.length}): ${where.slice(0, 3).join('; ')}`),
    idle,
  };
}

/** Every policy that cites it looks at several resources at once: one resource alone proves nothing. */
const isRelation = (check: string): boolean => (cited.get(check) ?? []).every(({ kind }) => kind === 'stack');

/**
 * The page docs/reference/policies-agreement.md. Without numbers: they follow from how many properties the blueprint has
 * today.
 */
export function agreementPage(pairs: readonly Pair[], version: string): string {
  const rows = [...cited].map(([check, policies]) => {
    const kinds = new Set(pairs.filter((pair) => pair.check === check).map(kindOf));
    return `| ${[check, policies.map(({ id }) => `\`${id}\``).join(', '), outcome(check, kinds), reasons(check).join(' ')].join(' | ')} |`;
  });
  return `${[
    '# Policies and checkov',
    '',
    `The same resources, judged by checkov ${version} and by the packs, check by check: the blueprint of production and`,
    'compliant resources of other types, then each of them with one property removed, turned, or set to what people write',
    'by mistake. Where the two differ the reason is here; a test fails for a difference without a reason, for a reason that',
    'nothing needs, and for a check that no resource breaks. Where checkov is installed this page is made by',
    '`npx vitest run --project integration test/policies/agreement -u`.',
    '',
    '| check | policies | verdicts | why |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')}\n`;
}

function outcome(check: string, kinds: ReadonlySet<ReturnType<typeof kindOf>>): string {
  if (isRelation(check)) return 'not compared';
  if (kinds.size === 0) return 'checkov has none';
  if (kinds.has('elsewhere')) return 'of different resources';
  const more = [
    ...(kinds.has('checkov') ? ['checkov finds more'] : []),
    ...(kinds.has('policy') ? ['the policy finds more'] : []),
  ];
  return more.length === 0 ? 'the same' : more.join(', ');
}

/** Verdicts by kind, for whoever runs the comparison. */
export function countsOf(pairs: readonly Pair[]): string {
  const count = (right: (pair: Pair) => boolean) => pairs.filter(right).length;
  const same = (theirs: Pair['theirs']) => count((pair) => kindOf(pair) === null && pair.theirs === theirs);
  const kinds = (['checkov', 'policy', 'elsewhere'] as const).map(
    (kind) => `${count((pair) => kindOf(pair) === kind)} ${kind}`,
  );
  return `both pass ${same('passes')}, both fail ${same('fails')}; only ${kinds.join(', ')}`;
}

const reasons = (check: string): string[] =>
  isRelation(check)
    ? ['A rule between resources: judged over a stack.']
    : disagreements.filter(({ checks }) => checks.includes(check)).map(({ why }) => why);
