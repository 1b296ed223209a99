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
  const rolled = await rollup(
    ask,
    'rollup_1m',
    device,
    { from: range.from, to: Math.min(range.to, settled) },
    [],
    limit,
  );
  if (rolled.length >= limit) return rolled;
  const fresh = { from: Math.max(range.from, settled), to: range.to };
  return [...rolled, ...(await countedMinutes(ask, device, fresh, limit - rolled.length))];
}

/**
 * Hours of a range, oldest first. An hour that waits for the worker, or whose minutes do, is summed from its minutes;
 * so an answer never has a hole between the rollup and the present.
 */
export async function hours(ask: Ask, device: Device, range: Range, limit: number, now: number): Promise<Bucket[]> {
  const settled = await unsettledFrom(ask, now);
  const settledHour = bucketOf(settled, '1h');
  const rolledRange = { from: range.from, to: Math.min(range.to, settledHour) };
  const waiting = await waitingHours(ask, device, rolledRange);
  const rolled = await rollup(ask, 'rollup_1h', device, rolledRange, waiting, limit);
  // With `limit` hours at hand, those beyond the last of them are for the next page.
  const end = rolled.length < limit ? range.to : Math.min(range.to, (rolled.at(-1)?.ts ?? 0) + bucketMs['1h']);
  const fresh = { from: Math.max(range.from, settledHour), to: end };
  const summed: Bucket[] = [];
  for (const { from, to } of [...spans(waiting.filter((hour) => hour < end)), fresh])
    summed.push(...(await summedHours(settled, ask, device, { from, to })));
  return [...rolled, ...summed].sort((a, b) => a.ts - b.ts).slice(0, limit);
}

/** Hours in order as ranges: what follows without a gap is one. */
export function spans(starts: readonly number[]): Range[] {
  const found: Range[] = [];
  for (const from of starts) {
    const last = found.at(-1);
    if (last?.to === from) last.to = from + bucketMs['1h'];
    else found.push({ from, to: from + bucketMs['1h'] });
  }
  return found;
}

async function rollup(
  ask: Ask,
  table: 'rollup_1m' | 'rollup_1h',
  device: Device,
  range: Range,
  without: readonly number[],
  limit: number,
): Promise<Bucket[]> {
  if (range.from >= range.to) return [];
  const values: unknown[] = [device.tenant, device.device, iso(range.from), iso(range.to), limit, without.map(iso)];
  if (device.metric !== undefined) values.push(device.metric);
  const rows = await ask<Row>(
    `select bucket, ${aggregated} from ${table}
     where tenant = $1 and device_id = $2 and bucket >= $3 and bucket < $4
       and bucket <> all($6::timestamptz[]) ${device.metric === undefined ? '' : 'and metric = $7'}
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
              sum(m.value::float8) as sum, min(m.value::float8) as min, max(m.value::float8) as max
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

async function waitingHours(ask: Ask, device: Device, range: Range): Promise<number[]> {
  if (range.from >= range.to) return [];
  const rows = await ask<{ bucket: Date }>(
    `select bucket from rollup_pending_hours
     where tenant = $1 and device_id = $2 and bucket >= $3 and bucket < $4 order by bucket limit 1000`,
    [device.tenant, device.device, iso(range.from), iso(range.to)],
  );
  return rows.map((row) => row.bucket.getTime());
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
      const sum = (have?.sum ?? 0) + minute.sum;
      const min = Math.min(have?.min ?? minute.min, minute.min);
      const max = Math.max(have?.max ?? minute.max, minute.max);
      Object.defineProperty(into, metric, own({ count, sum, min, max, avg: sum / count }));
    }
  }
  return [...summed].map(([ts, aggregates]) => ({ ts, aggregates }));
}

function toBucket(row: Row): Bucket {
  const aggregates: Aggregates = {};
  for (const [metric, { count, sum, min, max }] of Object.entries(row.metrics))
    Object.defineProperty(aggregates, metric, own({ count, sum, min, max, avg: sum / count }));
  return { ts: row.bucket.getTime(), aggregates };
}

/** A metric may have any name, `__proto__` too: assigning would set the prototype instead. */
function own<T>(value: T): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}
