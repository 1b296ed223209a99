import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MicroBatch } from '../../../../cli/bench/monolith/micro-batch.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** A store whose writes end when the test says so. */
function store(maxItems: number, maxInFlight: number) {
  const writes: { items: readonly number[]; end(error?: Error): void }[] = [];
  const settled = new Map<number, (string | null)[]>();
  let open = 0;
  let mostOpen = 0;
  const batch = new MicroBatch<number>({
    maxItems,
    maxInFlight,
    write: (items) => {
      mostOpen = Math.max(mostOpen, ++open);
      return new Promise((resolve, reject) => {
        writes.push({
          items,
          end: (error) => {
            open--;
            if (error === undefined) resolve();
            else reject(error);
          },
        });
      });
    },
  });
  return {
    writes,
    settled,
    mostOpen: () => mostOpen,
    add: (item: number) =>
      batch.add(item, (error) => settled.set(item, [...(settled.get(item) ?? []), error?.message ?? null])),
  };
}

test('an idle store gets what came in one turn at once, a busy one what gathered meanwhile', async () => {
  const { add, writes } = store(500, 2);
  add(1);
  add(2);
  await nextTurn();
  add(3);
  await nextTurn();
  for (const item of [4, 5, 6]) add(item);
  await nextTurn();
  expect(writes.map((w) => w.items)).toEqual([[1, 2], [3]]);
  writes[0]?.end();
  await nextTurn();
  expect(writes.map((w) => w.items)).toEqual([[1, 2], [3], [4, 5, 6]]);
});

test('nothing is settled before its own write has ended, and a failed one fails nobody else', async () => {
  const { add, writes, settled } = store(2, 2);
  for (const item of [1, 2, 3]) add(item);
  await nextTurn();
  expect(settled.size).toBe(0);
  writes[1]?.end(new Error('away'));
  await nextTurn();
  expect([...settled]).toEqual([[3, ['away']]]);
  writes[0]?.end();
  await nextTurn();
  expect(settled.get(1)).toEqual([null]);
});

test('every item is written and settled once, in order, within both bounds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.oneof(fc.constant('add' as const), fc.constant('turn' as const), fc.constant('end' as const))),
      async (maxItems, maxInFlight, steps) => {
        const { add, writes, settled, mostOpen } = store(maxItems, maxInFlight);
        let added = 0;
        let ended = 0;
        for (const step of steps) {
          if (step === 'add') add(added++);
          else if (step === 'turn') await nextTurn();
          else if (ended < writes.length) writes[ended++]?.end();
        }
        while (settled.size < added) {
          await nextTurn();
          if (ended < writes.length) writes[ended++]?.end();
        }
        expect(writes.flatMap((w) => w.items)).toEqual(Array.from({ length: added }, (_, i) => i));
        expect(Math.max(0, ...writes.map((w) => w.items.length))).toBeLessThanOrEqual(maxItems);
        expect(mostOpen()).toBeLessThanOrEqual(maxInFlight);
        expect([...settled.values()].every((outcomes) => outcomes.length === 1)).toBe(true);
      },
    ),
  );
});
