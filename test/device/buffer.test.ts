import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Buffered, createBuffer } from '../../runtime/device/buffer.ts';

const item = (seq: number, length = 10): Buffered => ({ seq, text: 'x'.repeat(length) });
const seqs = (items: readonly Buffered[]) => items.map((i) => i.seq);

test('drop-oldest gives up the oldest waiting reading', () => {
  const buffer = createBuffer({ readings: 2, bytes: 1_000, whenFull: 'drop-oldest' });
  expect([item(1), item(2), item(3)].flatMap((i) => seqs(buffer.add(i)))).toEqual([1]);
  expect(seqs(buffer.take(9, 1_000))).toEqual([2, 3]);
});

test('drop-newest gives up what comes last', () => {
  const buffer = createBuffer({ readings: 2, bytes: 1_000, whenFull: 'drop-newest' });
  expect([item(1), item(2), item(3)].flatMap((i) => seqs(buffer.add(i)))).toEqual([3]);
});

test('a reading in flight is not dropped: it may be stored already', () => {
  const buffer = createBuffer({ readings: 2, bytes: 1_000, whenFull: 'drop-oldest' });
  buffer.add(item(1));
  buffer.add(item(2));
  buffer.take(2, 1_000);
  expect(seqs(buffer.add(item(3)))).toEqual([3]);
  expect(seqs(buffer.acknowledge([item(1), item(2)]))).toEqual([1, 2]);
});

test('a reading larger than the whole buffer is given up and costs no other', () => {
  const buffer = createBuffer({ readings: 5, bytes: 30, whenFull: 'drop-oldest' });
  buffer.add(item(1));
  expect(seqs(buffer.add(item(2, 31)))).toEqual([2]);
  expect(buffer.waiting).toBe(1);
});

test('a message holds at most the bytes asked for, and at least one reading', () => {
  const buffer = createBuffer({ readings: 5, bytes: 1_000, whenFull: 'drop-oldest' });
  for (const i of [item(1, 40), item(2, 40), item(3, 200)]) buffer.add(i);
  expect(seqs(buffer.take(5, 79))).toEqual([1]);
  expect(seqs(buffer.take(5, 100))).toEqual([2]);
  expect(seqs(buffer.take(5, 100))).toEqual([3]);
});

type Step =
  | { do: 'add'; length: number }
  | { do: 'take'; count: number }
  | { do: 'acknowledge'; share: number }
  | { do: 'giveBack' };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), length: fc.integer({ min: 1, max: 60 }) }) },
  fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ do: fc.constant('acknowledge' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ do: fc.constant('giveBack' as const) }),
);

test('whatever happens: bounds hold, order holds, and every reading is waiting, in flight, acknowledged or given up', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 300 }),
      fc.constantFrom('drop-oldest' as const, 'drop-newest' as const),
      (steps, whenFull) => {
        const bounds = { readings: 12, bytes: 300, whenFull };
        const buffer = createBuffer<Buffered>(bounds);
        const gone = new Set<number>();
        let flying: Buffered[] = [];
        let added = 0;
        for (const s of steps) {
          if (s.do === 'add') for (const i of buffer.add(item(++added, s.length))) gone.add(i.seq);
          if (s.do === 'take') {
            const taken = buffer.take(s.count, 200);
            expect(seqs(taken)).toEqual([...seqs(taken)].sort((a, b) => a - b));
            flying.push(...taken);
          }
          if (s.do === 'acknowledge') {
            const part = flying.slice(0, Math.ceil(flying.length * s.share));
            for (const i of buffer.acknowledge(part)) gone.add(i.seq);
            flying = flying.slice(part.length);
          }
          if (s.do === 'giveBack') {
            buffer.giveBack();
            flying = [];
          }
          expect(buffer.waiting + buffer.inFlight).toBeLessThanOrEqual(bounds.readings);
          expect(buffer.bytes).toBeLessThanOrEqual(bounds.bytes);
          expect(buffer.inFlight).toBe(flying.length);
        }
        buffer.giveBack();
        const rest = seqs(buffer.take(1_000, 1_000_000));
        expect(rest).toEqual([...rest].sort((a, b) => a - b));
        expect(new Set([...gone, ...rest]).size).toBe(added);
        expect(gone.size + rest.length).toBe(added);
      },
    ),
  );
});
