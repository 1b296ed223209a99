import type { HistoryPoint } from '../../contracts/http/telemetry.ts';
import type { Ask } from '../stores.ts';
import { bucketMs, bucketOf, type Range, settledBefore } from './range.ts';
import { type Device, iso } from './raw.ts';

type Aggregates = NonNullable<HistoryPoint['aggregates']>;
export type Bucket = { ts: number; aggregates: Aggregates };
type Row = { bucket: Date; metrics: Record<string, { count: number; sum: number; min: number; max: number }> };

const aggregated = `jsonb_object_agg(metric,
  jsonb_build_object('count', count, 'sum', sum, 'min', min, 'max', max)) as metrics`;

/** First minute that may lack rows in the rollups of this database, epoch ms. */
export async function unsettledFrom(ask: Ask, now: number): Promise<number> {
  const [row] = await ask<{ oldest: Date | null }>('select min(newest_minute) as oldest from rollup_pending', []);
  return settledBefore(now, row?.oldest?.getTime() ?? null);
}

/** Minutes of a range, oldest first: rolled up ones from the rollup, the newest counted from the readings. */
export async function minutes(ask: Ask, device: Device, range: Range, limit: number, now: number): Promise<Bucket[]> {
  return await minutesSettledTo(await unsettledFrom(ask, now), ask, device, range, limit);
}

async function minutesSettledTo(settled: number, ask: Ask, device: Device, range: Range, limit: number) {
  const rolled = await rollup(ask, 'rollup_1m', device, { from: range.from, to: Math.min(range.to, settled) }, limit);
  if (rolled.length >= limit) return rolled;
  const fresh = { from: Math.max(range.from, settled), to: range.to };
  return [...rolled, ...(await countedMinutes(ask, device, fresh, limit - rolled.length))];
}

/**
 * Hours of a range, oldest first: rolled up ones from the rollup, the newest summed from their minutes. The worker writes
 * an hour in the transaction of its minutes, so both are settled up to the same time.
 */
export async function hours(ask: Ask, device: Device, range: Range, limit: number, now: number): Promise<Bucket[]> {
  const settled = await unsettledFrom(ask, now);
  const settledHour = bucketOf(settled, '1h');
  const rolled = await rollup(
    ask,
    'rollup_1h',
    device,
    { from: range.from, to: Math.min(range.to, settledHour) },
    limit,
  );
  if (rolled.length >= limit) return rolled;
  const fresh = { from: Math.max(range.from, settledHour), to: range.to };
  return [...rolled, ...(await summedHours(settled, ask, device, fresh))].slice(0, limit);
}

async function rollup(
  ask: Ask,
  table: 'rollup_1m' | 'rollup_1h',
  device: Device,
  range: Range,
  limit: number,
): Promise<Bucket[]> {
  if (range.from >= range.to) return [];
  const values: unknown[] = [device.tenant, device.device, iso(range.from), iso(range.to), limit];
  if (device.metric !== undefined) values.push(device.metric);
  const rows = await ask<Row>(
    `select bucket, ${aggregated} from ${table}
     where tenant = $1 and device_id = $2 and bucket >= $3 and bucket < $4 ${device.metric === undefined ? '' : 'and metric = $6'}
     group by bucket order by bucket limit $5`,
    values,
  );
  return rows.map(toBucket);
}

/** Counted as the rollup worker counts: numeric metrics, by the minute of the reading. Buckets that begin in the range. */
async function countedMinutes(ask: Ask, device: Device, range: Range, limit: number): Promise<Bucket[]> {
  const first = Math.ceil(range.from / bucketMs['1m']) * bucketMs['1m'];
  const end = Math.ceil(range.to / bucketMs['1m']) * bucketMs['1m'];
  if (first >= end) return [];
  const values: unknown[] = [device.tenant, device.device, iso(first), iso(end), limit];
  if (device.metric !== undefined) values.push(device.metric);
  const rows = await ask<Row>(
    `with counted as (
       select date_bin('1 minute', r.ts, 'epoch') as bucket, m.key as metric, count(*) as count,
              sum(m.value::numeric) as sum, min(m.value::float8) as min, max(m.value::float8) as max
       from readings r, jsonb_each(r.values) m
       where r.tenant = $1 and r.device_id = $2 and r.ts >= $3 and r.ts < $4
         and jsonb_typeof(m.value) = 'number' ${device.metric === undefined ? '' : 'and m.key = $6'}
       group by 1, 2)
     select bucket, ${aggregated} from counted group by bucket order by bucket limit $5`,
    values,
  );
  return rows.map(toBucket);
}

/** Hours that begin in the range, summed from their minutes. */
async function summedHours(settled: number, ask: Ask, device: Device, range: Range): Promise<Bucket[]> {
  const size = bucketMs['1h'];
  const whole = { from: Math.ceil(range.from / size) * size, to: Math.ceil(range.to / size) * size };
  if (whole.from >= whole.to) return [];
  const most = (whole.to - whole.from) / bucketMs['1m'];
  return sumHours(await minutesSettledTo(settled, ask, device, whole, most));
}

/** Minutes, oldest first, as hours. */
export function sumHours(minutesOfHours: readonly Bucket[]): Bucket[] {
  const summed = new Map<number, Aggregates>();
  for (const { ts, aggregates } of minutesOfHours) {
    const hour = bucketOf(ts, '1h');
    const into = summed.get(hour) ?? {};
    summed.set(hour, into);
    for (const [metric, minute] of Object.entries(aggregates)) {
      const have = Object.hasOwn(into, metric) ? into[metric] : undefined;
      const count = (have?.count ?? 0) + minute.count;
      const sum = finite((have?.sum ?? 0) + minute.sum);
      const min = Math.min(have?.min ?? minute.min, minute.min);
      const max = Math.max(have?.max ?? minute.max, minute.max);
      Object.defineProperty(into, metric, own({ count, sum, min, max, avg: sum / count }));
    }
  }
  return [...summed].map(([ts, aggregates]) => ({ ts, aggregates }));
}

function toBucket(row: Row): Bucket {
  const aggregates: Aggregates = {};
  for (const [metric, { count, min, max, ...given }] of Object.entries(row.metrics)) {
    const sum = finite(given.sum);
    Object.defineProperty(aggregates, metric, own({ count, sum, min, max, avg: sum / count }));
  }
  return { ts: row.bucket.getTime(), aggregates };
}

/** A sum of the largest numbers is beyond them; JSON has no infinity. */
function finite(sum: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum));
}

/** A metric may have any name, `__proto__` too: assigning would set the prototype instead. */
function own<T>(value: T): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}
