import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArrivalRate, holdMs } from '../../../runtime/platform/bus/batching.ts';

const batchMs = 3;
const perSecond = (rate: number) => rate / 1_000;

describe('how long a batch waits', () => {
  test.each([
    ['alone on the line', 100, 0, 0],
    ['too few to gather anybody, also while a call is out', 300, 5, 0],
    ['few, and nothing is out', 1_000, 0, 0],
    ['few, and a call is out: its answer ends the wait', 1_000, 1, batchMs],
    ['half way to many', 4_000, 0, batchMs / 2],
    ['many', 6_000, 0, batchMs],
    ['many, and calls are out', 20_000, 7, batchMs],
  ])('%s: %d a second with %d calls out', (_, rate, callsOut, expected) =>
    expect(holdMs(perSecond(rate), callsOut, batchMs)).toBeCloseTo(expected, 6),
  );

  test('never longer than the full wait, never shorter for more messages or more calls', () => {
    const rate = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(rate, rate, fc.nat(8), fc.nat(8), fc.integer({ min: 0, max: 100 }), (a, b, c, d, most) => {
        const wait = holdMs(a, c, most);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(most);
        expect(holdMs(Math.max(a, b), Math.max(c, d), most)).toBeGreaterThanOrEqual(wait);
      }),
    );
  });
});

describe('the smoothed rate', () => {
  test.each([100, 1_000, 6_000])('%d a second for a second: within a tenth of it', (rate) => {
    const arrivals = new ArrivalRate(0);
    for (let i = 1; i <= rate; i++) arrivals.add((i * 1_000) / rate);
    expect(arrivals.perMs(1_000)).toBeGreaterThan(perSecond(rate) * 0.9);
    expect(arrivals.perMs(1_000)).toBeLessThan(perSecond(rate) * 1.1);
  });

  test('it forgets: half a second of silence and a burst counts for nothing', () => {
    const arrivals = new ArrivalRate(0);
    for (let i = 0; i < 500; i++) arrivals.add(0);
    expect(holdMs(arrivals.perMs(0), 0, batchMs)).toBe(batchMs - 0.125 * 3);
    expect(holdMs(arrivals.perMs(500), 1, batchMs)).toBe(0);
  });

  test('a clock set back takes nothing away, and no rate is below zero', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -10_000, max: 10_000 }), { minLength: 1 }), (times) => {
        const arrivals = new ArrivalRate(0);
        for (const at of times) arrivals.add(at);
        const rate = arrivals.perMs(times.at(-1) as number);
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(times.length / 100);
      }),
    );
  });
});

/**
 * The publisher's rule in simulated time: arrivals at a rate, a bus that answers after `answerMs`. @returns calls a second,
 * and how long the middle message waited for its call and its answer.
 */
function simulate(rate: number, answerMs: number, rule: typeof holdMs): { calls: number; p50: number } {
  const step = 0.05;
  const arrivals = new ArrivalRate(0);
  const answers: number[] = [];
  const waits: number[] = [];
  let batch: number[] = [];
  let [calls, leaves, due] = [0, Number.POSITIVE_INFINITY, 0];
  for (let now = 0; now < 3_000; now += step) {
    while (answers[0] !== undefined && answers[0] <= now) {
      answers.shift();
      if (batch.length > 0) leaves = (batch[0] as number) + rule(arrivals.perMs(now), answers.length, batchMs);
    }
    while (due <= now) {
      arrivals.add(due);
      if (batch.push(due) === 1) leaves = due + rule(arrivals.perMs(due), answers.length, batchMs);
      due += 1_000 / rate;
    }
    if (leaves <= now) {
      if (now > 1_000) calls++;
      answers.push(now + answerMs);
      if (now > 1_000) for (const at of batch) waits.push(now + answerMs - at);
      batch = [];
      leaves = Number.POSITIVE_INFINITY;
    }
  }
  waits.sort((a, b) => a - b);
  return { calls: calls / 2, p50: waits[waits.length >> 1] as number };
}

describe('beside waiting always, in simulated time with an answer after 1 ms', () => {
  const always: typeof holdMs = (_rate, _out, most) => most;
  test.each([100, 500, 1_000, 2_000])('%d a second: the middle message waits at least a millisecond less', (rate) => {
    expect(simulate(rate, 1, holdMs).p50).toBeLessThan(simulate(rate, 1, always).p50 - 0.9);
  });
  test.each([6_000, 10_000, 20_000])('%d a second: no more calls', (rate) => {
    expect(simulate(rate, 1, holdMs).calls).toBeLessThanOrEqual(simulate(rate, 1, always).calls * 1.01);
  });
  test.each([100, 1_000, 3_000, 5_000])('%d a second: at most a call for each answer in a row', (rate) => {
    expect(simulate(rate, 1, holdMs).calls).toBeLessThanOrEqual(1_000);
  });
});
