import { expect, test } from 'vitest';
import { Lane, type Work } from '../../runtime/processor/lane.ts';

const work = (id: number, rows = 1, bytes = 10): Work & { id: number; acknowledged: number } => {
  const one = {
    id,
    acknowledged: 0,
    raw: { attributes: {}, data: Buffer.alloc(bytes) },
    message: String(id),
    tenant: 'main',
    device: 'dev-1',
    received: 0,
    rows: Array.from({ length: rows }) as never,
    deadLetters: [],
    state: undefined,
    watched: false,
    since: 0,
    parked: false,
    done: () => {
      one.acknowledged++;
    },
  };
  return one;
};

function laneOf(
  write: (works: readonly Work[]) => Promise<void>,
  options: { batchRows?: number; inFlight?: number } = {},
) {
  const seen: string[] = [];
  const lane = new Lane({
    batchRows: 10,
    batchMs: 1,
    inFlight: 2,
    pauseMs: { first: 1, longest: 4 },
    now: () => 0,
    random: () => 0,
    onAway: () => seen.push('away'),
    onBack: () => seen.push('back'),
    ...options,
    write,
  });
  return { lane, seen };
}

test('batches end at their number of rows, and at their bytes', async () => {
  const sizes: number[] = [];
  const { lane } = laneOf(async (works) => void sizes.push(works.length), { inFlight: 1 });
  for (let i = 0; i < 25; i++) lane.add(work(i));
  for (let i = 0; i < 6; i++) lane.add(work(i, 1, 2_097_152));
  expect(await lane.drain(2_000)).toBe(true);
  expect(sizes.slice(0, 2)).toEqual([10, 10]);
  expect(sizes.reduce((a, b) => a + b)).toBe(31);
  expect(Math.max(...sizes.slice(3))).toBeLessThanOrEqual(2);
});

test('nothing is acknowledged before its batch is written, everything once after; a failure loses nothing', async () => {
  let failures = 5;
  const written = new Map<string, number>();
  const works = Array.from({ length: 40 }, (_, i) => work(i, (i % 4) + 1));
  const { lane, seen } = laneOf(async (batch) => {
    expect(batch.every((one) => (one as (typeof works)[number]).acknowledged === 0)).toBe(true);
    await Promise.resolve();
    if (failures-- > 0) throw new Error('away');
    for (const one of batch) written.set(one.message, (written.get(one.message) ?? 0) + 1);
  });
  for (const one of works) lane.add(one);
  while (!lane.idle) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(works.every((one) => one.acknowledged === 1)).toBe(true);
  expect([...written.values()].every((n) => n === 1)).toBe(true);
  expect([written.size, seen.filter((s) => s === 'away').length, seen.at(-1)]).toEqual([40, 5, 'back']);
});

test('while away it probes with one batch at a time', async () => {
  let inFlight = 0;
  let most = 0;
  let calls = 0;
  const { lane } = laneOf(async () => {
    most = calls++ < 2 ? 0 : Math.max(most, ++inFlight);
    await new Promise((resolve) => setTimeout(resolve, 2));
    inFlight = Math.max(0, inFlight - 1);
    throw new Error('away');
  });
  for (let i = 0; i < 100; i++) lane.add(work(i));
  while (calls < 8) await new Promise((resolve) => setTimeout(resolve, 2));
  lane.stop();
  expect(most).toBe(1);
});

test('surplus is taken from the end; what came out of the parking stays', () => {
  const { lane } = laneOf(() => new Promise(() => undefined), { batchRows: 1_000 });
  for (let i = 0; i < 5; i++) lane.add({ ...work(i), parked: i === 4 });
  expect(lane.takeLast(3).map((one) => one.message)).toEqual(['2', '3']);
  expect(lane.waiting).toBe(3);
  lane.stop();
});
