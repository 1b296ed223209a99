import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  partitionOf,
  partitionsAhead,
  partitionsFor,
  partitionsToDrop,
} from '../../runtime/platform/database/partitions.ts';
import { planParking } from '../../runtime/processor/overflow.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 11, 31, 23, 59);

test('partitions are made ahead over the turn of a year', () => {
  expect(partitionsAhead(now).map((p) => p.name)).toEqual([
    'readings_20261230',
    'readings_20261231',
    'readings_20270101',
    'readings_20270102',
    'rollup_1m_202612',
    'rollup_1m_202701',
    'rollup_1h_202612',
    'rollup_1h_202701',
  ]);
});

test('a partition holds its time, and partitions of one table touch without overlap', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4e12 }),
      fc.constantFrom('readings' as const, 'rollup_1m' as const),
      (ts, table) => {
        const one = partitionOf(table, ts);
        expect(Date.parse(one.from) <= ts && ts < Date.parse(one.to)).toBe(true);
        expect(partitionOf(table, Date.parse(one.to)).from).toBe(one.to);
        expect(partitionsFor(table, [ts, ts])).toEqual([one]);
      },
    ),
  );
});

test('retention drops only what holds nothing that is kept, and only what is ours', () => {
  const keep = { readings: 30, rollups: 400 };
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 900 }),
      fc.constantFrom('readings' as const, 'rollup_1h' as const),
      (age, table) => {
        const ts = now - age * day;
        const dropped = partitionsToDrop([partitionOf(table, ts).name], now, keep);
        if (age <= (table === 'readings' ? 30 : 400)) expect(dropped).toEqual([]);
        if (age > (table === 'readings' ? 33 : 433)) expect(dropped).toHaveLength(1);
      },
    ),
  );
  expect(partitionsToDrop(['readings_backup', 'readings_2020', 'mine_20200101', 'readings_202001'], now, keep)).toEqual(
    [],
  );
});

const lane = (name: string, waiting: number, away = false, oldestMs = 0) => ({ name, waiting, away, oldestMs });
test.each([
  ['away and over its bound', [lane('a', 150, true), lane('b', 0)], [{ from: 'a', to: 'b', messages: 50 }]],
  ['away and within it', [lane('a', 100, true), lane('b', 0)], []],
  ['busy, not away', [lane('a', 150), lane('b', 0)], []],
  ['standing still', [lane('a', 150, false, 2_000), lane('b', 0)], [{ from: 'a', to: 'b', messages: 50 }]],
  ['the other is away too', [lane('a', 150, true), lane('b', 0, true)], []],
  ['the other is busy itself', [lane('a', 150, true), lane('b', 90)], []],
  ['nobody else', [lane('a', 150, true)], []],
])('parking: %s', (_name, lanes, expected) => {
  expect(planParking(lanes, 100)).toEqual(expected);
});
