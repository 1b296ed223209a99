import { z } from 'zod';
import { instantMs } from '../../contracts/http/operation.ts';
import type { resolutions } from '../../contracts/http/telemetry.ts';
import { invalid } from '../../platform/http/validate.ts';

export type Asked = (typeof resolutions)[number];
export type Resolution = Exclude<Asked, 'auto'>;
/** Half-open: `from` is in it, `to` is not. Epoch milliseconds. */
export type Range = { from: number; to: number };

const hour = 3_600_000;
export const bucketMs = { '1m': 60_000, '1h': hour } as const;

/** The contract's `auto`: raw up to 2 hours, 1m up to 3 days, 1h beyond. */
export function resolutionFor(asked: Asked, range: Range): Resolution {
  if (asked !== 'auto') return asked;
  const length = range.to - range.from;
  if (length <= 2 * hour) return 'raw';
  return length <= 72 * hour ? '1m' : '1h';
}

/** @throws ProblemError 400 when the range ends before it begins. */
export function rangeOf(query: { from: string; to: string }): Range {
  const range = { from: instantMs(query.from), to: instantMs(query.to) };
  if (range.from > range.to)
    throw invalid([{ field: 'query.from', message: `must not be after \`to\` (${query.to}); it is ${query.from}` }]);
  return range;
}

/** Start of the bucket that holds `at`. */
export function bucketOf(at: number, resolution: '1m' | '1h'): number {
  return Math.floor(at / bucketMs[resolution]) * bucketMs[resolution];
}

/** Buckets whose start lies in the range. */
export function bucketsIn(range: Range, resolution: '1m' | '1h'): number {
  const size = bucketMs[resolution];
  return Math.max(0, Math.ceil(range.to / size) - Math.ceil(range.from / size));
}

const Ms = z.int().min(0).max(8.64e15);
/** Where a page ended: the last reading, or the last bucket. The resolution is in it: `auto` must not change midway. */
export const Place = z.discriminatedUnion('r', [
  z.strictObject({ r: z.literal('raw'), ts: Ms, seq: z.int().min(0) }),
  z.strictObject({ r: z.enum(['1m', '1h']), ts: Ms }),
]);
export type Place = z.infer<typeof Place>;

/** Newest minutes are always counted from the raw rows: they still change, and the rollup of a minute comes after its end. */
const settledAfterMs = 120_000;
/** How far back the raw rows are counted when the rollups lag; beyond, an answer lags with them. */
const mostRawMs = 24 * hour;

/**
 * The minute from which on the rollups may lack rows: two minutes ago, or the oldest minute that waits for the worker.
 * @param oldestPending epoch ms of the newest minute of the oldest batch that waits; null when none does.
 */
export function settledBefore(now: number, oldestPending: number | null): number {
  const recent = bucketOf(now - settledAfterMs, '1m');
  const pending = oldestPending === null ? recent : Math.min(recent, oldestPending);
  return Math.max(pending, bucketOf(now - mostRawMs, '1m'));
}
