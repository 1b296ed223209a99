import { ms } from '../text.ts';
import type { MonolithResult } from './bench.ts';
import { type Claim, type Comparison, claimedCut, claimedFromMs, type Side, subjects } from './compare.ts';

export const subjectNames = {
  B0: 'B0, one insert a message',
  B1: 'B1, micro-batches',
  platform: 'platform',
} as const;

const percent = (share: number) => `${Math.round(100 * share)} %`;
export const pubackText = ({ middle: { load } }: Side) =>
  [load.puback.p50, load.puback.p95, load.puback.p99].map(ms).join(' / ');
export const queryableText = ({ middle: { queryable } }: Side) => [queryable.p50, queryable.p99].map(ms).join(' / ');

/** How a side stands to the platform's p50; positive is a gain of the platform. */
export function cutsText(claim: Claim): string {
  if (claim.kind === 'no comparison') return '-';
  const { B0, B1 } = claim.cuts;
  const one = (cut: number) => (cut >= 0 ? `${percent(cut)} lower` : `${percent(-cut)} higher`);
  return `${one(B0)} than B0, ${one(B1)} than B1`;
}

export function claimText(claim: Claim, commitMs: number): string {
  if (claim.kind === 'no comparison') return `no comparison: ${claim.because.join('; ')}`;
  if (commitMs < claimedFromMs)
    return `not claimed below ${claimedFromMs} ms a commit; it would ${claim.kind === 'holds' ? 'hold' : 'fail'}`;
  return claim.kind === 'holds'
    ? `holds, until the bus confirms ${ms(claim.spareMs)} ms later than here`
    : `FAILS by ${ms(-claim.spareMs)} ms`;
}

export function monolithText(r: MonolithResult): string {
  const lines = r.comparisons.flatMap((c: Comparison) => [
    `  ${c.rate} readings/s${' '.repeat(Math.max(1, 17 - String(c.rate).length))}PUBACK p50 / p95 / p99   queryable p50 / p99   held   PUBACK p50 of each run`,
    ...subjects.map((subject) => {
      const side = c.sides[subject];
      return `    ${subjectNames[subject].padEnd(26)} ${pubackText(side).padEnd(24)} ${queryableText(side).padEnd(21)} ${`${side.held}/${side.runs}`.padEnd(6)} ${side.p50s.map(ms).join(', ')}`;
    }),
    `    PUBACK p50 of the platform is ${cutsText(c.claim)}; claim: ${claimText(c.claim, r.options.commitMs)}`,
  ]);
  return [
    `monolith, ${r.options.connections} mutual-TLS connections, ${r.options.seconds} s measured, milliseconds; a commit takes ${r.measuredCommitMs.toFixed(1)} ms (${r.options.commitMs} added)`,
    ...lines,
    `  claim: PUBACK p50 ${percent(claimedCut)} or more below both baselines when a commit costs ${claimedFromMs} ms or more; nothing is claimed of publish to queryable.`,
    '  The added commit time is Postgres\' only: the bus here confirms after a real fsync of this machine\'s disk. A cloud bus that confirms later than the "until" above has no such gain.',
  ].join('\n');
}
