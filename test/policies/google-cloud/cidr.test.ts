import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWorld, rangeOf } from '../../../policies/google-cloud/cidr.ts';

test.each([
  [['0.0.0.0/0'], true],
  [['*'], true],
  [['::/0'], true],
  [['2000::/3'], true],
  [['0.0.0.0/1', '128.0.0.0/1'], true],
  [['0.0.0.0/2'], true],
  [['0.0.0.0/3', '0.0.0.0/3', '0.0.0.0/4'], false],
  [['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'], false],
  [['2001:db8::/32'], false],
  [['35.235.240.0/20'], false],
  [['somewhere', 7, '1.2.3.4/33', '1.2.3/8', '1::2::3/64'], false],
])('%j is the world: %s', (ranges, world) => expect(isWorld(ranges)).toBe(world));

test('however the world is cut, it stays the world', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 63 }), (bits, turn) => {
      const pieces = Array.from({ length: 2 ** bits }, (_, index) => {
        const start = (index * 2 ** (32 - bits)) >>> 0;
        return `${[24, 16, 8, 0].map((shift) => (start >>> shift) & 255).join('.')}/${bits}`;
      });
      expect(isWorld([...pieces.slice(turn), ...pieces.slice(0, turn)])).toBe(true);
    }),
  );
});

test('a range starts where its network does', () => {
  expect(rangeOf('10.1.2.3/8')).toEqual(rangeOf('10.0.0.0/8'));
  expect(rangeOf('2001:db8::1/32')).toEqual(rangeOf('2001:db8::/32'));
  expect(rangeOf('10.0.0.1')?.prefix).toBe(32);
});
