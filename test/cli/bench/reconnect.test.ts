import fc from 'fast-check';
import { expect, test } from 'vitest';
import { benchReconnect, seeded } from '../../../cli/bench/reconnect/bench.ts';
import { type ReconnectPlan, simulateReconnect } from '../../../cli/bench/reconnect/simulate.ts';
import { reconnectText } from '../../../cli/bench/reconnect/text.ts';

const plan: ReconnectPlan = {
  devices: 1_000,
  pods: 2,
  handshakesPerCore: 1_000,
  share: 1,
  admission: { perSecond: 100, inProgress: 64, waiting: 2_048 },
  networkMs: 50,
  giveUpMs: 20_000,
  backoff: { baseMs: 1_000, maxMs: 10_000 },
  limitMs: 600_000,
};
const last = (of: ReconnectPlan, seed = 1) => simulateReconnect(of, seeded(seed)).backAt.at(-1) as number;

test('with room for all, a fleet is back when its longest first wait and the network allow it', () => {
  const roomy = { ...plan, devices: 100, admission: { perSecond: 10_000, inProgress: 1_000, waiting: 10_000 } };
  const { backAt, attempts, turnedAway } = simulateReconnect(roomy, seeded(1));
  expect(backAt).toHaveLength(100);
  expect({ attempts, turnedAway }).toEqual({ attempts: 100, turnedAway: 0 });
  expect(backAt[0]).toBeGreaterThanOrEqual(50);
  expect(backAt.at(-1)).toBeLessThanOrEqual(1_000 + 50 + 200);
});

test.each<[string, Partial<ReconnectPlan>]>([
  ['the admission rate', { admission: { ...plan.admission, perSecond: 50 } }],
  ['the core', { handshakesPerCore: 50 }],
  ['the share of the core', { share: 0.05 }],
  ['the handshakes in progress', { admission: { ...plan.admission, inProgress: 3 } }],
  ['the pods', { pods: 1 }],
])('%s bounds how soon all are back', (_name, change) => {
  expect(last({ ...plan, ...change })).toBeGreaterThan(1.5 * last(plan));
});

test('a short queue turns devices away, and they come back by their back-off', () => {
  const result = simulateReconnect({ ...plan, admission: { ...plan.admission, waiting: 20 } }, seeded(1));
  expect(result.turnedAway).toBeGreaterThan(100);
  expect(result.backAt).toHaveLength(1_000);
  expect(result.attempts).toBe(1_000 + result.turnedAway);
});

test('a device that waits longer than it has patience connects anew', () => {
  const result = simulateReconnect({ ...plan, giveUpMs: 1_000 }, seeded(1));
  expect(result.givenUp).toBeGreaterThan(0);
  expect(result.attempts).toBe(1_000 + result.turnedAway + result.givenUp);
  expect(result.backAt).toHaveLength(1_000);
  // The gateway did some handshakes for nobody.
  expect(result.backAt.at(-1)).toBeGreaterThan(1.2 * last(plan));
});

test('whatever the plan: each device is back once, in time order, and no bound of the gateway is passed', () => {
  fc.assert(
    fc.property(
      fc.record({
        devices: fc.integer({ min: 1, max: 400 }),
        pods: fc.integer({ min: 1, max: 4 }),
        handshakesPerCore: fc.integer({ min: 50, max: 1_000 }),
        perSecond: fc.integer({ min: 20, max: 500 }),
        inProgress: fc.integer({ min: 10, max: 64 }),
        waiting: fc.integer({ min: 10, max: 500 }),
        seed: fc.integer({ min: 1, max: 1_000_000 }),
      }),
      ({ devices, pods, handshakesPerCore, perSecond, inProgress, waiting, seed }) => {
        const drawn = { ...plan, devices, pods, handshakesPerCore, admission: { perSecond, inProgress, waiting } };
        const result = simulateReconnect(drawn, seeded(seed));
        expect(result.backAt).toHaveLength(devices);
        expect(result.backAt).toEqual(result.backAt.toSorted((a, b) => a - b));
        expect(result.attempts).toBe(devices + result.turnedAway + result.givenUp);
        expect(result.mostInProgress).toBeLessThanOrEqual(inProgress);
        expect(result.mostWaiting).toBeLessThanOrEqual(waiting);
        // A second's worth saved, and what comes in during it.
        expect(Math.max(...result.busiest)).toBeLessThanOrEqual(2 * perSecond + 1);
        const bound = Math.max(0, devices / pods - perSecond) / perSecond;
        expect(result.backAt.at(-1)).toBeGreaterThanOrEqual(1_000 * bound - 1);
        expect(simulateReconnect(drawn, seeded(seed))).toEqual(result);
      },
    ),
    { numRuns: 30 },
  );
});

test('a missed target is called missed, with the back-off that would hold it', () => {
  const options = { devices: 9_167, pods: 1, handshakes: 500, share: 60, backoffMaxSeconds: 120 };
  const result = benchReconnect(options);
  expect(result.held).toBe(false);
  const { backoffMaxSeconds } = result.wayOut as { backoffMaxSeconds: number };
  expect(reconnectText(result)).toContain(`FAILS; it holds with a back-off ceiling of ${backoffMaxSeconds} s`);
  expect(benchReconnect({ ...options, backoffMaxSeconds }).held).toBe(true);
});

test('a fleet too large for its pods has no way out by back-off', () => {
  const result = benchReconnect({ devices: 20_000, pods: 1, handshakes: 500, share: 60, backoffMaxSeconds: 120 });
  expect(result).toMatchObject({ held: false, wayOut: undefined });
  expect(reconnectText(result)).toContain('more pods');
});
