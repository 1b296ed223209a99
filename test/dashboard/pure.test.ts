import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schema } from '../../runtime/dashboard/src/api.ts';
import { ago, bytes, ms, spoken, value } from '../../runtime/dashboard/src/format.ts';
import { chartData, withGaps, withLive } from '../../runtime/dashboard/src/history.ts';
import { readLive } from '../../runtime/dashboard/src/live-events.ts';
import { SseParser } from '../../runtime/dashboard/src/sse-parser.ts';

describe('SSE parser', () => {
  const text =
    ': hello\n\nevent: state\ndata: {"a":1}\n\nevent: state\r\ndata: one\r\ndata: two\r\n\r\ndata:bare\n\nevent: lost\n\n';
  const events = [
    { event: 'state', data: '{"a":1}' },
    { event: 'state', data: 'one\ntwo' },
    { event: 'message', data: 'bare' },
  ];

  test('gives each event once, comments and events without data never', () => {
    expect(new SseParser().push(text)).toEqual(events);
  });

  test('gives the same events wherever the chunks end', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: text.length }), { maxLength: 12 }), (cuts) => {
        const parser = new SseParser();
        const borders = [0, ...cuts.sort((a, b) => a - b), text.length];
        const found = borders.slice(1).flatMap((end, i) => parser.push(text.slice(borders[i], end)));
        expect(found).toEqual(events);
      }),
    );
  });
});

describe('live events', () => {
  const state = { device: 'pump-1', ts: 1, seq: 0, values: { pressure: 3.25 } };

  test('of the known kinds reach the pages, one or a batch', () => {
    expect(readLive({ event: 'state', data: JSON.stringify(state) })).toEqual({
      events: [{ ...state, type: 'state' }],
      missed: false,
    });
    expect(readLive({ event: 'state', data: JSON.stringify([state, state]) }).events).toHaveLength(2);
  });

  test.each([
    ['resync', true],
    ['lagged', true],
    ['ping', false],
    ['end', false],
    ['message', false],
  ])('%s: the pages must read again: %s', (event, missed) => {
    expect(readLive({ event, data: '{}' })).toEqual({ events: [], missed });
  });
});

describe('history for the chart', () => {
  const at = (ts: number, values: Record<string, number>, seq = 0): Schema<'HistoryPoint'> => ({
    ts: new Date(ts).toISOString(),
    seq,
    values,
  });

  test('a metric that a point lacks is a gap, text is left out, aggregates give their average', () => {
    const { times, metrics } = chartData([
      at(1_000, { t: 1 }),
      { ts: new Date(2_000).toISOString(), values: { h: 5, door: 'open' } },
      { ts: new Date(60_000).toISOString(), aggregates: { t: { count: 2, min: 1, max: 3, avg: 2, sum: 4 } } },
    ]);
    expect(times).toEqual([1, 2, 60]);
    expect([...metrics]).toEqual([
      ['t', [1, null, 2]],
      ['h', [null, 5, null]],
    ]);
  });

  test('live readings land in time order, once, and push out the oldest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ ts: fc.integer({ min: 0, max: 50 }), seq: fc.integer({ min: 0, max: 2 }) }), {
          maxLength: 60,
        }),
        (readings) => {
          const points = readings.reduce<Schema<'HistoryPoint'>[]>(
            (all, r) => withLive(all, { ...r, values: {} }, 20),
            [],
          );
          const keys = points.map((p) => Date.parse(p.ts) * 1_000 + (p.seq ?? 0));
          expect(keys).toEqual([...new Set(keys)].sort((a, b) => a - b));
          expect(points.length).toBeLessThanOrEqual(20);
        },
      ),
    );
    expect(withLive([at(1, {}), at(2, {})], { ts: 3, seq: 0, values: {} }, 2).map((p) => Date.parse(p.ts))).toEqual([
      2, 3,
    ]);
  });
});

test('missing buckets become one gap, whole series stay as they are', () => {
  const at = (minute: number) => ({ ts: new Date(minute * 60_000).toISOString() });
  expect(withGaps([at(0), at(1), at(5)], 60_000)).toEqual([at(0), at(1), { ...at(2), empty: true }, at(5)]);
  expect(withGaps([at(0), at(9)], Number.POSITIVE_INFINITY)).toEqual([at(0), at(9)]);
});

test.each([
  [ago(null, 0), 'never'],
  [ago(new Date(0).toISOString(), 60_000), '60 s ago'],
  [ago(new Date(0).toISOString(), 3 * 86_400_000), '3 d ago'],
  [ms(null), '–'],
  [ms(3.12345), '3.1 ms'],
  [ms(25_000), '25.0 s'],
  [bytes(1_500), '1.5 kB'],
  [bytes(72_000_000), '72 MB'],
  [value(21.456789), '21.46'],
  [value(1000), '1000'],
  [value(true), 'true'],
  [spoken('heldMessages'), 'held messages'],
])('%s is %s', (shown, wanted) => expect(shown).toBe(wanted));
