import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeCursor, encodeCursor, MicroTime, toPage } from '../../runtime/platform/http/cursor.ts';
import { ProblemError } from '../../runtime/platform/http/problem.ts';
import { parsePrometheusText } from '../../runtime/platform/http/prometheus-text.ts';
import { shownPayload } from '../../runtime/telemetry/dead-letters/row.ts';
import { addUp } from '../../runtime/telemetry/fleet/aggregate.ts';
import {
  between,
  counterOf,
  type Histogram,
  histogramOf,
  quantile,
  sumOf,
} from '../../runtime/telemetry/fleet/histogram.ts';
import { parseTargets } from '../../runtime/telemetry/fleet/scraper.ts';
import { keep, latencyWindowMs, ratesOf, type Scrape } from '../../runtime/telemetry/fleet/window.ts';
import { sumHours } from '../../runtime/telemetry/history/buckets.ts';
import { bucketOf, bucketsIn, rangeOf, resolutionFor, settledBefore } from '../../runtime/telemetry/history/range.ts';
import { mergeSorted, newestFirst } from '../../runtime/telemetry/merge.ts';
import { parseCached } from '../../runtime/telemetry/state.ts';

const minute = 60_000;
const hour = 60 * minute;

describe('resolution', () => {
  it.each([
    ['auto', 0, 'raw'],
    ['auto', 2 * hour, 'raw'],
    ['auto', 2 * hour + 1, '1m'],
    ['auto', 72 * hour, '1m'],
    ['auto', 72 * hour + 1, '1h'],
    ['raw', 9_000 * hour, 'raw'],
    ['1h', 1, '1h'],
  ] as const)('%s over %i ms is %s', (asked, length, expected) => {
    expect(resolutionFor(asked, { from: 1_000, to: 1_000 + length })).toBe(expected);
  });

  it('a range that ends before it begins is refused', () => {
    expect(() => rangeOf({ from: '2026-11-22T10:00:01Z', to: '2026-11-22T10:00:00Z' })).toThrow(/query\.from/);
    expect(rangeOf({ from: '1795341600000', to: '2026-11-22T12:00:00+02:00' })).toEqual({
      from: 1_795_341_600_000,
      to: 1_795_341_600_000,
    });
  });

  it('counts the buckets that begin in a range', () => {
    expect(bucketsIn({ from: 0, to: hour }, '1m')).toBe(60);
    expect(bucketsIn({ from: 1, to: hour }, '1m')).toBe(59);
    expect(bucketsIn({ from: 1, to: 2 }, '1h')).toBe(0);
    expect(bucketOf(2 * hour - 1, '1h')).toBe(hour);
  });

  it('takes minutes from the raw rows from two minutes ago, or from what waits, but no further than a day', () => {
    const now = 1_000 * hour + 30_000;
    expect(settledBefore(now, null)).toBe(1_000 * hour - 2 * minute);
    expect(settledBefore(now, now)).toBe(1_000 * hour - 2 * minute);
    expect(settledBefore(now, 1_000 * hour - 10 * minute)).toBe(1_000 * hour - 10 * minute);
    expect(settledBefore(now, 0)).toBe(976 * hour);
  });
});

describe('a cursor', () => {
  const Place = z.strictObject({ at: MicroTime, id: z.string() });
  it('comes back as it was given', () => {
    const place = { at: '2026-11-22T10:00:00.123456Z', id: 'ü' };
    expect(decodeCursor(Place, encodeCursor(place))).toEqual(place);
    expect(decodeCursor(Place, undefined)).toBeUndefined();
  });

  it('of any other bytes is a 400 that names it, never another error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.base64String()), (text) => {
        for (const cursor of [text, Buffer.from(text).toString('base64url')]) {
          try {
            decodeCursor(Place, cursor);
            expect.unreachable();
          } catch (error) {
            if (!(error instanceof ProblemError)) throw error;
            expect(error.errors[0]?.field).toBe('query.cursor');
          }
        }
      }),
    );
  });

  it.each(['2026-13-01T00:00:00.000000Z', '0000-01-01T00:00:00.000000Z', '2026-11-22T10:00:00.123Z', "now'::x"])(
    'with the time %s is refused',
    (at) => {
      expect(() => decodeCursor(Place, encodeCursor({ at, id: 'x' }))).toThrow(ProblemError);
    },
  );

  it('stands only where there is a next page', () => {
    expect(toPage([1, 2], 2, String, (id) => ({ id }))).toEqual({ items: ['1', '2'], next: null });
    expect(toPage([1, 2, 3], 2, String, (id) => ({ id }))).toEqual({
      items: ['1', '2'],
      next: encodeCursor({ id: 2 }),
    });
    expect(toPage([], 2, String, (id) => ({ id }))).toEqual({ items: [], next: null });
  });
});

describe('merging shards', () => {
  it('equals sorting all of them, for any split', () => {
    const item = fc.record({ at: fc.constantFrom('2026-01', '2026-02', '2026-03'), id: fc.uuid() });
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(item, { selector: (i) => i.id, maxLength: 20 }), { maxLength: 4 }),
        fc.nat(30),
        (sources, count) => {
          const sorted = sources.map((source) => [...source].sort(newestFirst));
          expect(mergeSorted(sorted, newestFirst, count)).toEqual(sources.flat().sort(newestFirst).slice(0, count));
        },
      ),
    );
  });

  it('adds up the parts of a bucket', () => {
    const part = { ts: 60_000, devices: 1, count: 2, sum: 6, min: 1, max: 5 };
    expect(addUp([{ ...part, ts: 120_000 }, part, { ...part, devices: 3, min: -1, sum: 1 }])).toEqual([
      { ts: 60_000, devices: 4, count: 4, sum: 7, min: -1, max: 5 },
      { ...part, ts: 120_000 },
    ]);
  });
});

describe('hours', () => {
  it('are the sum of their minutes, whatever the metric is called', () => {
    const a = (n: number) => ({ count: 1, sum: n, min: n, max: n, avg: n });
    const hours = sumHours([
      { ts: 0, aggregates: { t: a(1), constructor: a(5) } as never },
      { ts: minute, aggregates: JSON.parse(`{"t":${JSON.stringify(a(3))},"__proto__":${JSON.stringify(a(7))}}`) },
      { ts: hour, aggregates: { t: a(9) } },
    ]);
    expect(hours.map((h) => h.ts)).toEqual([0, hour]);
    expect(JSON.parse(JSON.stringify(hours[0]?.aggregates['t']))).toEqual({ count: 2, sum: 4, min: 1, max: 3, avg: 2 });
    expect(Object.keys(hours[0]?.aggregates ?? {})).toEqual(['t', 'constructor', '__proto__']);
  });

  it('of the largest numbers stay numbers', () => {
    const big = { count: 1, sum: 1.7e308, min: 1.7e308, max: 1.7e308, avg: 1.7e308 };
    const [sum] = sumHours([0, 1, 2].map((n) => ({ ts: n * minute, aggregates: { t: big } })));
    expect(Number.isFinite(sum?.aggregates['t']?.sum)).toBe(true);
  });
});

describe('percentiles', () => {
  const of = (...counts: [number, number][]): Histogram => counts.map(([le, count]) => ({ le, count }));
  it.each([
    ['nothing', of(), 0.5, null],
    ['no observation', of([1, 0], [Infinity, 0]), 0.5, null],
    ['the middle of one bucket', of([1, 10], [Infinity, 10]), 0.5, 0.5],
    ['a later bucket', of([1, 10], [2, 20], [Infinity, 20]), 0.75, 1.5],
    ['an empty bucket between', of([1, 10], [2, 10], [4, 20], [Infinity, 20]), 0.75, 3],
    ['beyond the last bound', of([1, 1], [Infinity, 100]), 0.99, 1],
  ] as const)('%s', (_name, histogram, q, expected) => {
    expect(quantile(histogram, q)).toEqual(expected);
  });

  it('rise with the quantile and lie inside the bounds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100), { minLength: 1, maxLength: 10 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (steps, p, q) => {
          let count = 0;
          const finite = steps.map((step, i) => {
            count += step;
            return { le: i + 1, count };
          });
          const histogram = [...finite, { le: Infinity, count }];
          const [low, high] = [quantile(histogram, Math.min(p, q)), quantile(histogram, Math.max(p, q))];
          if (low === null || high === null) {
            expect(count).toBe(0);
            return;
          }
          expect(low).toBeLessThanOrEqual(high + 1e-9);
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(steps.length + 1e-9);
        },
      ),
    );
  });

  it('count only what came between two scrapes, and all of a restarted process', () => {
    expect(between(of([1, 5], [Infinity, 6]), of([1, 8], [Infinity, 10]))).toEqual(of([1, 3], [Infinity, 4]));
    expect(between(of([1, 5], [Infinity, 6]), of([1, 2], [Infinity, 3]))).toEqual(of([1, 2], [Infinity, 3]));
    expect(sumOf([of([1, 1], [Infinity, 2]), of([1, 3], [Infinity, 3])])).toEqual(of([1, 4], [Infinity, 5]));
  });

  it('are read from the Prometheus text, over all labels', () => {
    const { samples } = parsePrometheusText(
      'x_bucket{le="0.1",a="1"} 2\nx_bucket{le="0.1",a="2"} 3\nx_bucket{le="+Inf",a="1"} 4\nx_sum 9\nn_total{a="1"} 2\nn_total{a="2"} 5\n',
    );
    expect(histogramOf(samples, 'x')).toEqual([
      { le: 0.1, count: 5 },
      { le: Infinity, count: 4 },
    ]);
    expect(counterOf(samples, 'n_total')).toBe(7);
    expect(counterOf(samples, 'none')).toBeUndefined();
  });
});

describe('rates', () => {
  const scrape = (at: number, stored: number, more: Partial<Scrape> = {}): Scrape => ({
    at,
    stored,
    ack: [],
    queryable: [],
    ...more,
  });
  it('are over the last seconds, through a restart', () => {
    expect(ratesOf([[scrape(0, 0), scrape(2_000, 200), scrape(4_000, 50)]], 4_000).readingsPerSecond).toBe(62.5);
    expect(
      ratesOf(
        [
          [scrape(0, 0), scrape(2_000, 200)],
          [scrape(0, 5), scrape(2_000, 105)],
        ],
        2_000,
      ).readingsPerSecond,
    ).toBe(150);
    expect(ratesOf([[scrape(0, 0), scrape(2_000, 200)]], 60_000).readingsPerSecond).toBe(0);
    expect(ratesOf([[]], 0)).toEqual({
      readingsPerSecond: 0,
      ackLatency: { p50: null, p99: null },
      queryableLatency: { p50: null, p99: null },
    });
  });

  it('latency is of the last minute only', () => {
    const at = (when: number, slow: number, fast: number) =>
      scrape(when, 0, {
        ack: [
          { le: 0.01, count: fast },
          { le: 1, count: fast + slow },
          { le: Infinity, count: fast + slow },
        ],
      });
    const scrapes = [at(0, 0, 0), at(2_000, 1_000, 0), at(100_000, 1_000, 0), at(102_000, 1_000, 500)];
    expect(ratesOf([keep(scrapes, 102_000)], 102_000).ackLatency.p99).toBeLessThanOrEqual(10);
    expect(ratesOf([scrapes], 102_000).ackLatency.p99).toBeGreaterThan(500);
  });

  it('keep one scrape from before the window, and never more than the window needs', () => {
    const scrapes = Array.from({ length: 100 }, (_, i) => scrape(i * 2_000, i));
    const kept = keep(scrapes, 198_000);
    expect(kept[0]?.at).toBe(198_000 - latencyWindowMs - 2_000);
    expect(kept).toHaveLength(32);
    expect(keep(scrapes, 10_000_000)).toHaveLength(1);
  });

  it('targets are checked', () => {
    expect(parseTargets('')).toEqual([]);
    expect(parseTargets('a=http://x:1/metrics,b=https://y/m')).toEqual([
      { name: 'a', url: 'http://x:1/metrics' },
      { name: 'b', url: 'https://y/m' },
    ]);
    for (const bad of ['x', 'a=ftp://x', '=http://x', 'a=http://', 'A=http://x', 'a=http://x,'])
      expect(() => parseTargets(bad)).toThrow(/IOT_SCRAPE/);
  });
});

describe('dead letters', () => {
  it('show text as text, and all bytes as base64', () => {
    expect(shownPayload(Buffer.from('{"a":"ü"}'), 10)).toEqual({
      bytes: 10,
      text: '{"a":"ü"}',
      base64: 'eyJhIjoiw7wifQ==',
      truncated: false,
    });
    expect(shownPayload(Buffer.from([0xff, 0x00]), 3)).toEqual({
      bytes: 3,
      text: null,
      base64: '/wA=',
      truncated: true,
    });
  });
});

describe('a cached state', () => {
  it.each([
    ['none', null, null, null],
    ['no payload', '1', '0', null],
    ['broken JSON', '1', '0', '{'],
    ['an array', '1', '0', '[]'],
    ['a time that is none', 'x', '0', '{}'],
  ])('that is %s is no state', (_name, ts, seq, payload) => {
    expect(parseCached(ts, seq, payload)).toBeUndefined();
  });
  it('is read', () => {
    expect(parseCached('1000', '2', '{"a":1}')).toEqual({ ts: '1970-01-01T00:00:01.000Z', seq: 2, values: { a: 1 } });
  });
});
