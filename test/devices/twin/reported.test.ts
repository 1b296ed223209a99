import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isNewer, newestOfEach, type Said } from '../../../runtime/devices/twin/reported.ts';

const said = (connection: number, order: number, version: number | null = null, device = 'a'): Said => ({
  tenant: 'main',
  device,
  report: { document: { connection, order }, version },
  connection,
  order,
  received: 0,
});
const marks = ({ report, connection, order }: Said) => ({ deviceVersion: report.version, connection, order });

test('the order in which a device said things decides; its own versions where it has them', () => {
  expect(isNewer(marks(said(2, 0)), marks(said(1, 9)))).toBe(true);
  expect(isNewer(marks(said(1, 9)), marks(said(2, 0)))).toBe(false);
  expect(isNewer(marks(said(1, 2)), marks(said(1, 1)))).toBe(true);
  expect(isNewer(marks(said(1, 1)), marks(said(1, 1)))).toBe(false);
  expect(isNewer(marks(said(2, 0, 6)), marks(said(1, 0, 7)))).toBe(false);
  expect(isNewer(marks(said(1, 0, 8)), marks(said(2, 0, 7)))).toBe(true);
  expect(isNewer(marks(said(2, 0, 7)), marks(said(1, 0, 7)))).toBe(false);
  expect(isNewer(marks(said(2, 0)), marks(said(1, 0, 7)))).toBe(true);
});

test('shuffled and redelivered, in whatever batches, the last said stays', () => {
  const place = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 5 }));
  fc.assert(
    fc.property(fc.array(place, { minLength: 1, maxLength: 20 }), fc.boolean(), (places, versioned) => {
      const all = places.map(([c, o]) => said(c, o, versioned ? c * 100 + o : null));
      let stored = all[0] as Said;
      for (const one of all) if (isNewer(marks(one), marks(stored))) stored = one;
      const last = Math.max(...places.map(([c, o]) => c * 100 + o));
      expect(stored.connection * 100 + stored.order).toBe(last);
      expect(newestOfEach(all)).toEqual([expect.objectContaining(marksOnly(stored))]);
    }),
  );
});

const marksOnly = ({ connection, order }: Said) => ({ connection, order });
