import type { LoadResult } from '../load/generator.ts';
import type { Percentiles } from '../load/latency.ts';
import { verdictOf } from '../verdict.ts';
import type { Baseline } from './stores.ts';

export type Subject = Baseline | 'platform';
export const subjects: readonly Subject[] = ['B0', 'B1', 'platform'];

export type MonolithRun = {
  subject: Subject;
  rate: number;
  /** From 1. */
  run: number;
  load: LoadResult;
  queryable: Percentiles;
  backlogAtEnd: number;
  rows: number;
  /** Cores used while measuring: by all, and of these by processes that are none of ours. */
  cpu: { total: number; elsewhere: number };
};

/** The runs of one subject at one rate. `middle`: the one with the middle PUBACK p50 of those that held the rate. */
export type Side = { middle: MonolithRun; held: number; runs: number; p50s: number[]; because: string[] };

/** The claim: PUBACK p50 at least this much lower than both baselines, when a commit costs `claimedFromMs` or more. */
export const claimedCut = 0.4;
export const claimedFromMs = 2;

/**
 * `cuts`: by how much of the baseline's the platform's p50 is lower (negative: it is higher). `spareMs`: how much later
 * a publish to the bus may be confirmed than here until the claim breaks. No comparison where one did not hold the rate:
 * latencies of a queue that only grows mean nothing.
 */
export type Claim =
  | { kind: 'holds' | 'fails'; cuts: Record<Baseline, number>; spareMs: number }
  | { kind: 'no comparison'; because: string[] };

export type Comparison = { rate: number; sides: Record<Subject, Side>; claim: Claim };

/** Pure. @param runs of one commit cost; any order. */
export function compare(runs: readonly MonolithRun[]): Comparison[] {
  const rates = [...new Set(runs.map((r) => r.rate))];
  return rates.map((rate) => {
    const of = (subject: Subject) => sideOf(runs.filter((r) => r.rate === rate && r.subject === subject));
    const sides = { B0: of('B0'), B1: of('B1'), platform: of('platform') };
    return { rate, sides, claim: claimOf(sides) };
  });
}

function sideOf(runs: readonly MonolithRun[]): Side {
  // A run without any acknowledgement has no p50.
  const rank = ({ load }: MonolithRun) => (Number.isNaN(load.puback.p50) ? Number.MAX_VALUE : load.puback.p50);
  const byP50 = [...runs].sort((a, b) => rank(a) - rank(b));
  const held = byP50.filter((run) => verdictOf(run).held);
  const from = held.length > 0 ? held : byP50;
  const middle = from[Math.floor((from.length - 1) / 2)];
  if (middle === undefined) throw new Error('a subject has no run at a rate');
  const verdict = verdictOf(middle);
  return {
    middle,
    held: held.length,
    runs: runs.length,
    p50s: byP50.map((run) => run.load.puback.p50),
    because: verdict.held ? [] : verdict.because,
  };
}

function claimOf(sides: Record<Subject, Side>): Claim {
  const because = subjects.flatMap((subject) => sides[subject].because.map((why) => `${subject}: ${why}`));
  if (because.length > 0) return { kind: 'no comparison', because };
  const p50 = (subject: Subject) => sides[subject].middle.load.puback.p50;
  const cuts = { B0: 1 - p50('platform') / p50('B0'), B1: 1 - p50('platform') / p50('B1') };
  const spareMs = (1 - claimedCut) * Math.min(p50('B0'), p50('B1')) - p50('platform');
  return { kind: spareMs >= 0 ? 'holds' : 'fails', cuts, spareMs };
}

/** Subjects take turns at being first, so that what else the machine does meets each of them. Pure. */
export function turn(run: number): Subject[] {
  return subjects.map((_, i) => subjects[(i + run) % subjects.length] as Subject);
}
