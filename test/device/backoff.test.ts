import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffCeiling, defaultBackoff, fullJitter } from '../../runtime/device/backoff.ts';

test.each([
  [0, 1_000],
  [1, 2_000],
  [2, 4_000],
  [4, 16_000],
  [5, 30_000],
  [5_000, 30_000],
])('after %i failures a device waits at most %i ms', (failures, ceiling) => {
  expect(backoffCeiling(failures, defaultBackoff)).toBe(ceiling);
});

test('a wait is whole, never negative and below its ceiling', () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, random) => {
      const wait = fullJitter(failures, defaultBackoff, () => random);
      return Number.isInteger(wait) && wait >= 0 && wait < backoffCeiling(failures, defaultBackoff);
    }),
  );
});

test('a fleet that failed together comes back spread over the whole interval', () => {
  let n = 0;
  const waits = Array.from({ length: 1_000 }, () => fullJitter(4, defaultBackoff, () => (n++ % 1_000) / 1_000));
  const perEighth = Array.from({ length: 8 }, (_, i) => waits.filter((w) => Math.floor(w / 2_000) === i).length);
  expect(perEighth).toEqual(Array(8).fill(125));
});
