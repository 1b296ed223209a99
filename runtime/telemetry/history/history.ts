import type { HistoryPoint } from '../../contracts/http/telemetry.ts';
import { decodeCursor, encodeCursor } from '../../platform/http/cursor.ts';
import { invalid } from '../../platform/http/validate.ts';
import type { Ask } from '../stores.ts';
import { hours, minutes } from './buckets.ts';
import { type Asked, bucketMs, Place, type Range, type Resolution, rangeOf, resolutionFor } from './range.ts';
import { iso, rawPoints } from './raw.ts';

export type HistoryQuery = {
  from: string;
  to: string;
  resolution: Asked;
  metric?: string | undefined;
  cursor?: string | undefined;
  limit: number;
};
export type HistoryPage = { resolution: Resolution; items: HistoryPoint[]; next: string | null };

/**
 * One page of a device's history. Pages follow by key, so that what arrives meanwhile neither shifts nor repeats an
 * item. @throws ProblemError 400, 503
 */
export async function historyPage(
  ask: Ask,
  tenant: string,
  device: string,
  query: HistoryQuery,
  now: number,
): Promise<HistoryPage> {
  const range = rangeOf(query);
  const resolution = resolutionFor(query.resolution, range);
  const after = decodeCursor(Place, query.cursor);
  if (after !== undefined && after.r !== resolution)
    throw invalid([
      { field: 'query.cursor', message: `is of a listing with resolution ${after.r}, not ${resolution}` },
    ]);
  const who = { tenant, device, metric: query.metric };
  // One more than asked for says whether there is a next page.
  const wanted = query.limit + 1;
  if (resolution === 'raw') {
    const { points, places } = await rawPoints(ask, who, range, after, wanted);
    return cut(resolution, points, places, query.limit);
  }
  const rest: Range =
    after === undefined ? range : { ...range, from: Math.max(range.from, after.ts + bucketMs[resolution]) };
  const buckets = await (resolution === '1m' ? minutes : hours)(ask, who, rest, wanted, now);
  const points = buckets.map(({ ts, aggregates }) => ({ ts: iso(ts), aggregates }));
  const places = buckets.map(({ ts }): Place => ({ r: resolution, ts }));
  return cut(resolution, points, places, query.limit);
}

function cut(resolution: Resolution, points: HistoryPoint[], places: readonly Place[], limit: number): HistoryPage {
  const last = places[limit - 1];
  const more = points.length > limit && last !== undefined;
  return { resolution, items: points.slice(0, limit), next: more ? encodeCursor(last) : null };
}
