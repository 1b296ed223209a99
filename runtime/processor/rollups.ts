import type pg from 'pg';
import { isNoPartition, makePartitionsFor } from '../platform/database/partition-keeper.ts';
import { isTransient } from '../platform/database/pool.ts';

/** The holder recomputes rollups of one database; a second processor finds the lock taken and does nothing. */
const lockKey = 7_411_002;

/**
 * Pending rows of one turn, and places in them (a device's minute as one batch of readings touched it). At thousands of
 * readings a second the same minutes of the same devices stand in thousands of rows, and each turn recomputes the minutes
 * of its rows from all their readings: many rows a turn is what keeps that from being done dozens of times.
 */
const maxRows = 5_000;
const maxPlaces = 100_000;

/** A minute is taken when it has been over for this long: most of what belongs to it has come. */
const settleMs = 5_000;

export type RollupTurn = {
  minutes: number;
  more: boolean;
  /**
   * Minutes that Postgres did not roll up. Their readings are kept; one that took too long is tried again after all
   * others, any other with the next reading that comes for it.
   */
  failed: readonly FailedMinute[];
};
export type FailedMinute = { tenant: string; device: string; minute: Date; reason: string };

/**
 * Recomputes the minutes that got new rows from these rows, and then the hours from the minutes, and forgets that they
 * were pending; all in one transaction. Nothing is ever added to a stored number, so late, duplicate and redelivered
 * rows cannot count twice, and a crash leaves the pending rows for the next turn.
 *
 * A pending row stays while its minute is still running. A chunk that fails for what it holds is halved until the one
 * device's minute stands alone and is put aside: no data holds up the minutes of others.
 * @param now epoch milliseconds.
 */
export async function rollUp(pool: pg.Pool, now: number, maxPending = maxRows): Promise<RollupTurn> {
  try {
    return await makingPartitions(pool, () => turn(pool, now, maxPending));
  } catch (error) {
    if (!(error instanceof ChunkFailed)) throw error;
    const { ids } = error;
    if (ids.length === 1) return putAside(pool, ids[0] as string, error.cause);
    return { ...(await rollUp(pool, now, ids.length >> 1)), more: true };
  }
}

async function makingPartitions<T>(pool: pg.Pool, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isNoPartition(error)) throw error;
    const { rows } = await pool.query<{ minute: Date }>('select distinct newest_minute as minute from rollup_pending');
    await makePartitionsFor(
      pool,
      rows.map((row) => ({ ts: row.minute.getTime() })),
    );
    return work();
  }
}

/** These pending rows together cannot be rolled up, and trying the same again would end the same. */
class ChunkFailed extends Error {
  override readonly name = 'ChunkFailed';
  readonly ids: readonly string[];
  constructor(ids: readonly string[], cause: unknown) {
    super(`${ids.length} pending rows cannot be rolled up`, { cause });
    this.ids = ids;
  }
}

const statementTimeout = '57014';
const codeOf = (error: unknown) => (error as { code?: unknown }).code;

async function turn(pool: pg.Pool, now: number, maxPending: number): Promise<RollupTurn> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('begin');
    const { rows: lock } = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [
      lockKey,
    ]);
    const done = lock[0]?.mine ? await recompute(client, now, maxPending) : nothing;
    await client.query('commit');
    broken = false;
    return done;
  } catch (error) {
    // Awaited: a connection that is only dropped holds the lock until its server process notices, and the next turn,
    // with half of the rows, would find it taken. One that does not answer is dropped.
    broken = await client.query('rollback').then(
      () => false,
      () => true,
    );
    throw error;
  } finally {
    client.release(broken);
  }
}

const nothing: RollupTurn = { minutes: 0, more: false, failed: [] };

async function recompute(client: pg.PoolClient, now: number, maxPending: number): Promise<RollupTurn> {
  const { rows: pending } = await client.query<{ id: string; ripe: number }>(
    `select id, ripe::int from (
       select id, count(*) over () as ripe, sum(places) over (order by id) - places as before from (
         select id, cardinality(minutes) as places from rollup_pending
         where newest_minute <= to_timestamp($1::float8 / 1000) order by id limit $2
       ) as first
     ) as counted where before < $3 order by id`,
    [now - 60_000 - settleMs, maxPending, maxPlaces],
  );
  if (pending.length === 0) return nothing;
  const ids = pending.map((row) => row.id);
  try {
    const { rows: minutes } = await client.query<{ n: number }>(recomputeMinutes, [ids]);
    await client.query(recomputeHours, [ids]);
    await client.query('delete from rollup_pending where id = any($1::bigint[])', [ids]);
    const ripe = pending[0]?.ripe ?? 0;
    return { minutes: minutes[0]?.n ?? 0, more: ripe > pending.length || ripe === maxPending, failed: [] };
  } catch (error) {
    if (isTransient(error) && codeOf(error) !== statementTimeout) throw error;
    throw new ChunkFailed(ids, error);
  }
}

/**
 * Gets one failing pending row out of the others' way: of several device minutes each becomes a row of its own, behind
 * all others. One that stands alone is given up, or goes to the end of the queue when it only took too long.
 */
async function putAside(pool: pg.Pool, id: string, cause: unknown): Promise<RollupTurn> {
  const { rows } = await pool.query<{ tenant: string; device: string; minute: Date; alone: boolean }>(
    `with gone as (
       delete from rollup_pending where id = $1 returning tenants, devices, minutes
     ), parts as (
       select t.*, cardinality(g.minutes) = 1 as alone
       from gone g, unnest(g.tenants, g.devices, g.minutes) as t (tenant, device, minute)
     ), queued as (
       insert into rollup_pending (tenants, devices, minutes, newest_minute)
       select array[tenant], array[device], array[minute], minute from parts where not alone or $2
     )
     select tenant, device, minute, alone from parts`,
    [id, codeOf(cause) === statementTimeout],
  );
  const alone = rows.filter((row) => row.alone);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return {
    minutes: 0,
    more: alone.length === 0,
    failed: alone.map(({ tenant, device, minute }) => ({ tenant, device, minute, reason })),
  };
}

const touched = `
touched as materialized (
  select distinct t.tenant, t.device_id, t.minute
  from rollup_pending p, unnest(p.tenants, p.devices, p.minutes) as t (tenant, device_id, minute)
  where p.id = any($1::bigint[])
)`;

const largest = '1.7976931348623157e308';
/** So many times smaller than the largest number that no minute's or hour's count of them comes near it. */
const ordinary = '1e300::float8';

/**
 * A sum that no values make fail: Postgres' float8 sum raises an error beyond the largest number, so the huge are summed
 * as numeric and the sum ends at the largest. Ordinary values never see numeric.
 */
function sumOf(value: string): string {
  const some = `sum(${value}) filter (where abs(${value}) <= ${ordinary})`;
  const huge = `sum(${value}::text::numeric) filter (where abs(${value}) > ${ordinary})`;
  return `case when max(abs(${value})) <= ${ordinary} then ${some}
    else greatest(-${largest}, least(${largest}, ${huge} + coalesce(${some}, 0)::numeric))::float8 end`;
}

/**
 * Numeric metrics only: a boolean or a text has no sum. Rows never change and never go but with their whole partition,
 * so a bucket that is recomputed has at least the metrics it had.
 */
const recomputeMinutes = `
with ${touched}, fresh as (
  select t.tenant, t.device_id, t.minute as bucket, v.metric, count(*) as count,
         ${sumOf('v.value')} as sum, min(v.value) as min, max(v.value) as max
  from touched t
  join lateral (
    select r.values from readings r
    where r.tenant = t.tenant and r.device_id = t.device_id and r.ts >= t.minute and r.ts < t.minute + interval '1 minute'
    offset 0
  ) r on true
  cross join lateral (
    select key as metric, case when jsonb_typeof(value) = 'number' then value::float8 end as value
    from jsonb_each(r.values) offset 0
  ) v
  where v.value is not null
  group by 1, 2, 3, 4
), written as (
  insert into rollup_1m (tenant, device_id, bucket, metric, count, sum, min, max)
  select tenant, device_id, bucket, metric, count, sum, min, max from fresh
  order by tenant, device_id, bucket, metric
  on conflict (tenant, device_id, bucket, metric) do update
  set count = excluded.count, sum = excluded.sum, min = excluded.min, max = excluded.max
)
select count(*)::int as n from touched`;

const recomputeHours = `
with ${touched}, hours as (
  select distinct tenant, device_id, date_bin('1 hour', minute, 'epoch') as bucket from touched
)
insert into rollup_1h (tenant, device_id, bucket, metric, count, sum, min, max)
select h.tenant, h.device_id, h.bucket, m.metric, sum(m.count), ${sumOf('m.sum')}, min(m.min), max(m.max)
from hours h
join lateral (
  select metric, count, sum, min, max from rollup_1m m
  where m.tenant = h.tenant and m.device_id = h.device_id and m.bucket >= h.bucket and m.bucket < h.bucket + interval '1 hour'
  offset 0
) m on true
group by 1, 2, 3, 4
order by 1, 2, 3, 4
on conflict (tenant, device_id, bucket, metric) do update
set count = excluded.count, sum = excluded.sum, min = excluded.min, max = excluded.max`;
