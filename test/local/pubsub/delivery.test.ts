import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { backoffMs } from '../../../runtime/local/pubsub/backoff.ts';
import { DEFAULT_LIMITS, DeliveryQueue, type Policy, type Row } from '../../../runtime/local/pubsub/delivery.ts';
import { DueBuckets, GRANULARITY_MS } from '../../../runtime/local/pubsub/due-buckets.ts';

const PLAIN: Policy = { ordered: false, retry: undefined, maxAttempts: undefined };
const row = (id: number, key?: string): Row => ({ id, bytes: 10, key, attempts: 0, notBefore: 0 });
const rows = (count: number): Row[] => Array.from({ length: count }, (_, i) => row(i + 1));
const ids = (entries: readonly { id: number }[]): number[] => entries.map((entry) => entry.id);

describe('leases', () => {
  it('come back after their end and not before', () => {
    const queue = new DeliveryQueue(PLAIN, 1);
    queue.load(rows(2), 0);
    expect(ids(queue.take(9, 1e9, 0, 10_000, undefined))).toEqual([1, 2]);
    expect(queue.expire(9_999)).toEqual([]);
    expect(queue.take(9, 1e9, 9_999, 10_000, undefined)).toEqual([]);
    expect(queue.expire(10_000).map((failure) => failure.entry.id)).toEqual([1, 2]);
    expect(ids(queue.take(9, 1e9, 10_000, 10_000, undefined))).toEqual([1, 2]);
  });

  it('are extended by their current number only', () => {
    const queue = new DeliveryQueue(PLAIN, 1);
    queue.load(rows(1), 0);
    const [first] = queue.take(1, 1e9, 0, 10_000, undefined);
    const old = first?.lease as number;
    expect(queue.extend(1, old, 20_000)).toBe(true);
    expect(queue.expire(19_000)).toEqual([]);
    queue.expire(20_000);
    const [second] = queue.take(1, 1e9, 20_000, 10_000, undefined);
    expect(queue.extend(1, old, 90_000)).toBe(false);
    expect(queue.fail(1, old, 20_000)).toBeUndefined();
    expect(queue.extend(1, second?.lease as number, 90_000)).toBe(true);
  });

  it('a late acknowledgement still ends the message', () => {
    const queue = new DeliveryQueue(PLAIN, 1);
    queue.load(rows(1), 0);
    queue.take(1, 1e9, 0, 10_000, undefined);
    queue.expire(10_000);
    expect(queue.acknowledge(1)?.id).toBe(1);
    expect(queue.take(1, 1e9, 10_000, 10_000, undefined)).toEqual([]);
    expect(queue.size).toBe(0);
  });

  it('tell their owner when they end, once', () => {
    const released: number[] = [];
    const owner = { released: (entry: { id: number }) => released.push(entry.id) };
    const queue = new DeliveryQueue(PLAIN, 1);
    queue.load(rows(3), 0);
    const [, second] = queue.take(3, 1e9, 0, 10_000, owner);
    queue.acknowledge(1);
    queue.fail(2, second?.lease as number, 0);
    queue.expire(10_000);
    queue.acknowledge(2);
    expect(released).toEqual([1, 2, 3]);
  });

  it('stop at the limit of outstanding messages', () => {
    const queue = new DeliveryQueue(PLAIN, 1, { ...DEFAULT_LIMITS, outstanding: 2 });
    queue.load(rows(5), 0);
    expect(queue.take(9, 1e9, 0, 10_000, undefined)).toHaveLength(2);
    expect(queue.deliverable).toBe(false);
    queue.acknowledge(1);
    expect(ids(queue.take(9, 1e9, 0, 10_000, undefined))).toEqual([3]);
  });
});

describe('failures', () => {
  it('wait longer each time, within the policy', () => {
    const retry = { minimumMs: 1000, maximumMs: 5000 };
    expect([1, 2, 3, 4, 50].map((failures) => backoffMs(retry, failures))).toEqual([1000, 2000, 4000, 5000, 5000]);
    expect(backoffMs(undefined, 7)).toBe(0);
    const queue = new DeliveryQueue({ ...PLAIN, retry }, 1);
    queue.load(rows(1), 0);
    const [entry] = queue.take(1, 1e9, 0, 10_000, undefined);
    expect(queue.fail(1, entry?.lease as number, 0)).toMatchObject({ kind: 'retry', notBefore: 1000 });
    expect(queue.take(1, 1e9, 0, 10_000, undefined)).toEqual([]);
    expect(queue.expire(1000)).toEqual([]);
    expect(ids(queue.take(1, 1e9, 1000, 10_000, undefined))).toEqual([1]);
  });

  it('leave after the last attempt; stay when they cannot', () => {
    const queue = new DeliveryQueue({ ...PLAIN, maxAttempts: 2 }, 1);
    queue.load(rows(1), 0);
    const fail = (): string | undefined => {
      const [entry] = queue.take(1, 1e9, 0, 10_000, undefined);
      return entry && queue.fail(1, entry.lease, 0)?.kind;
    };
    expect([fail(), fail(), fail()]).toEqual(['retry', 'leave', undefined]);
    const again = new DeliveryQueue({ ...PLAIN, maxAttempts: 1 }, 1);
    again.load(rows(1), 0);
    const [entry] = again.take(1, 1e9, 0, 10_000, undefined);
    const failure = again.fail(1, entry?.lease as number, 0);
    if (failure !== undefined) again.stay(failure.entry, 0);
    expect(ids(again.take(1, 1e9, 0, 10_000, undefined))).toEqual([1]);
  });

  it('and new messages take turns', () => {
    const queue = new DeliveryQueue(PLAIN, 1);
    queue.load(rows(6), 0);
    for (const entry of queue.take(2, 1e9, 0, 10_000, undefined)) queue.fail(entry.id, entry.lease, 0);
    expect(ids(queue.take(4, 1e9, 0, 10_000, undefined)).sort()).toEqual([1, 2, 3, 4]);
  });
});

describe('the window', () => {
  it('one blocked key with a long backlog does not hide the others', () => {
    const queue = new DeliveryQueue({ ...PLAIN, ordered: true }, 1, { ...DEFAULT_LIMITS, window: 50, keyWindow: 10 });
    queue.load(
      Array.from({ length: 40 }, (_, i) => row(i + 1, 'hot')),
      0,
    );
    expect(queue.room).toBe(40);
    queue.load([row(41, 'cold')], 0);
    expect(ids(queue.take(9, 1e9, 0, 10_000, undefined)).sort((a, b) => a - b)).toEqual([1, 41]);
    for (let id = 1; id <= 5; id += 1) {
      queue.acknowledge(id);
      queue.take(1, 1e9, 0, 10_000, undefined);
    }
    expect(queue.keyRefills()).toEqual([{ key: 'hot', after: 10, upTo: 41, limit: 10 }]);
  });

  it('keeps bodies within its budget and gives each out once', () => {
    const queue = new DeliveryQueue(PLAIN, 1, { ...DEFAULT_LIMITS, bodyBytes: 25 });
    queue.load(
      rows(3).map((one) => ({ ...one, body: Buffer.alloc(10) })),
      0,
    );
    const taken = queue.take(3, 1e9, 0, 10_000, undefined);
    expect(taken.map((entry) => queue.takeBody(entry)?.length)).toEqual([10, 10, undefined]);
    expect(taken.map((entry) => queue.takeBody(entry))).toEqual([undefined, undefined, undefined]);
  });
});

/** A store, a consumer that does anything at all, and the laws that must hold at every step. */
type Step = { kind: 'take' | 'ack' | 'nack' | 'extend' | 'wait' | 'refill'; pick: number };

describe('any sequence of events', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('take', 'take', 'ack', 'ack', 'nack', 'extend', 'wait', 'refill'),
    pick: fc.nat(1000),
  });

  it.each([false, true])('loses nothing, never leases twice at once, keeps keys in order (ordered: %s)', (ordered) => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(undefined, 'a', 'b', 'c'), { minLength: 1, maxLength: 60 }),
        fc.array(step, { maxLength: 200 }),
        (keys, steps) => {
          const stored = new Map(keys.map((key, i) => [i + 1, row(i + 1, key)]));
          const limits = { ...DEFAULT_LIMITS, window: 12, keyWindow: 4, outstanding: 6 };
          const retry = { minimumMs: 500, maximumMs: 4000 };
          const queue = new DeliveryQueue({ ordered, retry, maxAttempts: undefined }, 1, limits);
          const leased = new Map<number, number>();
          let now = 0;

          const refill = (): void => {
            for (const { key, after, upTo, limit } of queue.keyRefills()) {
              const of = [...stored.values()].filter((one) => one.key === key && one.id > after && one.id <= upTo);
              queue.loadKey(key, of.slice(0, limit), now);
            }
            const next = [...stored.values()].filter((one) => one.id > queue.cursor).slice(0, queue.room);
            queue.load(next, now);
          };
          const take = (count: number): void => {
            for (const entry of queue.take(count, 1e9, now, 10_000, undefined)) {
              expect(stored.has(entry.id)).toBe(true);
              expect(leased.has(entry.id)).toBe(false);
              const earlier = [...stored.values()].filter((one) => one.key === entry.key && one.id < entry.id);
              if (ordered && entry.key !== undefined) expect(earlier).toEqual([]);
              leased.set(entry.id, entry.lease);
            }
            expect(leased.size).toBeLessThanOrEqual(limits.outstanding);
            expect(queue.size).toBeLessThanOrEqual(limits.window + limits.outstanding);
          };
          const wait = (ms: number): void => {
            now += ms;
            for (const { entry } of queue.expire(now)) leased.delete(entry.id);
          };
          const acknowledge = (id: number): void => {
            queue.acknowledge(id);
            stored.delete(id);
            leased.delete(id);
          };

          for (const { kind, pick } of steps) {
            const [id, lease] = [...leased][pick % Math.max(1, leased.size)] ?? [];
            if (kind === 'take') take(1 + (pick % 5));
            else if (kind === 'refill') refill();
            else if (kind === 'wait') wait(pick * 20);
            else if (id === undefined || lease === undefined) continue;
            else if (kind === 'ack') acknowledge(id);
            else if (kind === 'extend') expect(queue.extend(id, lease, now + 30_000)).toBe(true);
            else {
              expect(queue.fail(id, lease, now)).toBeDefined();
              leased.delete(id);
            }
          }
          // A consumer that acknowledges everything gets everything.
          for (let turn = 0; turn < 500 && stored.size > 0; turn += 1) {
            refill();
            take(10);
            for (const id of [...leased.keys()]) acknowledge(id);
            wait(10_000);
          }
          expect(stored.size).toBe(0);
          expect(queue.size).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('due buckets', () => {
  it('give every item when it is due, at most a bucket late', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5000), fc.option(fc.nat(5000), { nil: undefined }))), (moves) => {
        const buckets = new DueBuckets<{ due: number; bucket: number; slot: number; at: number }>();
        const waiting = moves.map(([first, second]) => {
          const item = { due: 0, bucket: 0, slot: -1, at: second ?? first };
          buckets.add(item, first);
          if (second !== undefined) buckets.move(item, second);
          return item;
        });
        let given = 0;
        for (let now = 0; now <= 5000 + GRANULARITY_MS; now += GRANULARITY_MS) {
          for (const item of buckets.takeDue(now)) {
            given += 1;
            expect(item.at).toBeLessThanOrEqual(now);
            expect(item.at).toBeGreaterThan(now - GRANULARITY_MS);
          }
        }
        expect(given).toBe(waiting.length);
      }),
    );
  });
});
