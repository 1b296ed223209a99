import { invalid } from '../../platform/http/validate.ts';
import { bucketMs, bucketsIn, type Range, rangeOf } from '../history/range.ts';
import { iso } from '../history/raw.ts';
import { degradedBy, type Stores } from '../stores.ts';

type Resolution = '1m' | '1h';
export type Part = { ts: number; devices: number; count: number; sum: number; min: number; max: number };

/** The contract's bound of one answer. */
const mostBuckets = 10_000;

/**
 * One metric over all devices of a tenant, from the rollups of all shards: a minute appears some seconds after its end.
 * @throws ProblemError 400 for a range of more buckets than an answer holds.
 */
export async function fleetAggregate(
  stores: Stores,
  tenant: string,
  query: { metric: string; from: string; to: string; resolution: Resolution },
) {
  const { metric, resolution } = query;
  const range = rangeOf(query);
  refuseTooLong(range, resolution);
  const { results, missing } = await stores.all(async (ask) => {
    const rows = await ask<{ bucket: Date; devices: string; count: string; sum: string; min: number; max: number }>(
      `select bucket, count(*) as devices, sum(count)::bigint as count, sum(sum::numeric) as sum, min(min) as min, max(max) as max
       from ${resolution === '1m' ? 'rollup_1m' : 'rollup_1h'}
       where tenant = $1 and metric = $2 and bucket >= $3 and bucket < $4
       group by bucket order by bucket limit ${mostBuckets}`,
      [tenant, metric, iso(range.from), iso(range.to)],
    );
    return rows.map(
      (row): Part => ({
        ...row,
        ts: row.bucket.getTime(),
        devices: Number(row.devices),
        count: Number(row.count),
        sum: finite(Number(row.sum)),
      }),
    );
  });
  const items = addUp([...results.values()].flat()).map(({ ts, devices, count, sum, min, max }) => ({
    ts: iso(ts),
    devices,
    count,
    min,
    max,
    avg: sum / count,
  }));
  return { metric, resolution, items, ...degradedBy([], stores.degraded(missing)) };
}

/** Parts of the same bucket as one, oldest first. A device lives on one shard, so that devices add up. */
export function addUp(parts: readonly Part[]): Part[] {
  const summed = new Map<number, Part>();
  for (const { ts, devices, count, sum, min, max } of parts) {
    const have = summed.get(ts) ?? { ts, devices: 0, count: 0, sum: 0, min, max };
    summed.set(ts, {
      ts,
      devices: have.devices + devices,
      count: have.count + count,
      sum: finite(have.sum + sum),
      min: Math.min(have.min, min),
      max: Math.max(have.max, max),
    });
  }
  return [...summed.values()].sort((a, b) => a.ts - b.ts);
}

/** A sum of the largest numbers is beyond them; JSON has no infinity, and Postgres' float8 sum fails. */
function finite(sum: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum));
}

function refuseTooLong(range: Range, resolution: Resolution): void {
  const buckets = bucketsIn(range, resolution);
  if (buckets <= mostBuckets) return;
  const hours = Math.floor((mostBuckets * bucketMs[resolution]) / bucketMs['1h']);
  throw invalid([
    {
      field: 'query.from',
      message: `the range has ${buckets} buckets of ${resolution}, allowed are ${mostBuckets} (${hours} hours); ask for less${resolution === '1m' ? ', or for resolution 1h' : ''}`,
    },
  ]);
}
