import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compare, type MonolithRun, type Subject, subjects, turn } from '../../../../cli/bench/monolith/compare.ts';
import { claimText, cutsText, monolithText } from '../../../../cli/bench/monolith/text.ts';

const latency = (p50: number) => ({ p50, p95: 2 * p50, p99: 3 * p50, p999: 4 * p50, max: 5 * p50, count: 1_000 });

function run(subject: Subject, p50: number, more: Partial<MonolithRun['load']> = {}): MonolithRun {
  return {
    subject,
    rate: 1_000,
    run: 1,
    load: {
      offered: 1_000,
      achieved: 1_000,
      payloadBytes: 150,
      sent: 10_000,
      acknowledged: 10_000,
      unacknowledged: 0,
      lostConnections: 0,
      puback: latency(p50),
      generatorLag: latency(0.1),
      connectSeconds: 1,
      firstTs: 0,
      lastTs: 1,
      generatorCpuSeconds: 1,
      ...more,
    },
    queryable: latency(2 * p50),
    backlogAtEnd: 0,
    rows: 10_000,
    cpu: { total: 1, elsewhere: 0 },
  };
}
const only = (runs: MonolithRun[]) => {
  const [comparison] = compare(runs);
  if (comparison === undefined) throw new Error('no comparison');
  return comparison;
};

test.each([
  ['40 % below both is the claim', 3, 5, 5, 'holds'],
  ['below one only is not', 3, 5, 4.9, 'fails'],
  ['nor below the other only', 3, 4.9, 5, 'fails'],
  ['slower is not', 6, 5, 5, 'fails'],
])('%s', (_name, platform, b0, b1, kind) => {
  expect(only([run('platform', platform), run('B0', b0), run('B1', b1)]).claim.kind).toBe(kind);
});

test('the spare is how much the platform may lose until the claim breaks', () => {
  const { claim } = only([run('platform', 2), run('B0', 10), run('B1', 5)]);
  expect(claim).toMatchObject({ kind: 'holds', cuts: { B0: 0.8, B1: 0.6 }, spareMs: 1 });
  expect(claimText(claim, 2)).toBe('holds, until the bus confirms 1.0 ms later than here');
  expect(cutsText(claim)).toBe('80 % lower than B0, 60 % lower than B1');
});

test('a gain over a baseline that did not hold the rate is none', () => {
  const { claim } = only([run('platform', 2), run('B0', 500, { achieved: 700 }), run('B1', 10)]);
  expect(claim).toEqual({ kind: 'no comparison', because: ['B0: achieved 700 of 1000 readings a second'] });
});

test('of several runs the middle one of those that held the rate counts, and all are shown', () => {
  const b0 = [run('B0', 9), run('B0', 7), run('B0', 8), run('B0', 1, { lostConnections: 1 })];
  const { sides } = only([...b0, run('B1', 5), run('platform', 1)]);
  expect(sides.B0).toMatchObject({ held: 3, runs: 4, p50s: [1, 7, 8, 9], because: [] });
  expect(sides.B0.middle.load.puback.p50).toBe(8);
});

test('a run in which nothing was acknowledged is none, and comes last', () => {
  const dead = run('B0', Number.NaN, { achieved: 0, unacknowledged: 10_000 });
  const { sides } = only([dead, run('B0', 9), dead, run('B0', 8), run('B1', 5), run('platform', 1)]);
  expect(sides.B0).toMatchObject({ held: 2, p50s: [8, 9, Number.NaN, Number.NaN] });
  expect(only([dead, run('B1', 5), run('platform', 1)]).claim.kind).toBe('no comparison');
});

test('below the commit cost that the claim names, nothing is claimed', () => {
  const { claim } = only([run('platform', 9), run('B0', 5), run('B1', 5)]);
  expect(claimText(claim, 1)).toBe('not claimed below 2 ms a commit; it would fail');
  expect(claimText(claim, 2)).toBe('FAILS by 6.0 ms');
  expect(cutsText(claim)).toBe('80 % higher than B0, 80 % higher than B1');
});

test('the verdict follows the definition for any three latencies, and order of runs is nothing', () => {
  const ms = fc.double({ min: 0.1, max: 1_000, noNaN: true });
  fc.assert(
    fc.property(ms, ms, ms, (platform, b0, b1) => {
      const runs = [run('platform', platform), run('B0', b0), run('B1', b1)];
      const { claim } = only(runs);
      const holds = platform <= 0.6 * b0 && platform <= 0.6 * b1;
      expect(claim.kind).toBe(holds ? 'holds' : 'fails');
      expect(only(runs.toReversed()).claim).toEqual(claim);
    }),
  );
});

test('each subject is first, second and third equally often', () => {
  const places = [1, 2, 3].map(turn);
  for (const subject of subjects) expect(places.map((order) => order.indexOf(subject)).sort()).toEqual([0, 1, 2]);
});

test('the report prints queryable beside PUBACK, whatever it is', () => {
  const runs = [run('platform', 2), run('B0', 10), run('B1', 5)];
  const text = monolithText({
    bench: 'monolith',
    machine: {} as never,
    options: { rates: [1_000], seconds: 10, warmupSeconds: 3, commitMs: 2, runs: 1, connections: 10 },
    measuredCommitMs: 2.3,
    runs,
    comparisons: compare(runs),
  });
  expect(text).toContain('2.0 / 4.0 / 6.0          4.0 / 12');
  expect(text).toContain('a commit takes 2.3 ms (2 added)');
});
