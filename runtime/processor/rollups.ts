import type pg from 'pg';
import { isNoPartition, makePartitionsFor } from './partition-keeper.ts';

/** The holder recomputes rollups of one database; a second processor finds the lock taken and does nothing. */
const lockKey = 7_411_002;

/** A minute is taken when it has been over for this long: most of what belongs to it has come. */
const settleMs = 5_000;

export type RollupTurn = { minutes: number; more: boolean };

/**
 * Recomputes the minutes that got new rows from these rows, and then the hours from the minutes, and forgets that they
 * were pending; all in one transaction. Nothing is ever added to a stored number, so late, duplicate and redelivered
 * rows cannot count twice, and a crash leaves the pending rows for the next turn.
 *
 * A pending row stays while its minute is still running.
 * @param now epoch milliseconds.
 */
export async function rollUp(pool: pg.Pool, now: number, maxPending = 200): Promise<RollupTurn> {
  try {
    return await turn(pool, now, maxPending);
  } catch (error) {
    if (!isNoPartition(error)) throw error;
    const { rows } = await pool.query<{ minute: Date }>('select distinct newest_minute as minute from rollup_pending');
    await makePartitionsFor(
      pool,
      rows.map((row) => ({ ts: row.minute.getTime() })),
    );
    return turn(pool, now, maxPending);
  }
}

async function turn(pool: pg.Pool, now: number, maxPending: number): Promise<RollupTurn> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('begin');
    const { rows: lock } = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [
      lockKey,
    ]);
    const done = lock[0]?.mine ? await recompute(client, now, maxPending) : { minutes: 0, more: false };
    await client.query('commit');
    failed = false;
    return done;
  } finally {
    client.release(failed);
  }
}

async function recompute(client: pg.PoolClient, now: number, maxPending: number): Promise<RollupTurn> {
  const { rows: pending } = await client.query<{ id: string }>(
    `select id from rollup_pending where newest_minute <= to_timestamp($1::float8 / 1000) order by id limit $2`,
    [now - 60_000 - settleMs, maxPending],
  );
  if (pending.length === 0) return { minutes: 0, more: false };
  const ids = pending.map((row) => row.id);
  const { rows: minutes } = await client.query<{ n: number }>(recomputeMinutes, [ids]);
  await client.query(recomputeHours, [ids]);
  await client.query('delete from rollup_pending where id = any($1::bigint[])', [ids]);
  return { minutes: minutes[0]?.n ?? 0, more: pending.length === maxPending };
}

const touched = `
touched as materialized (
  select distinct t.tenant, t.device_id, t.minute
  from rollup_pending p, unnest(p.tenants, p.devices, p.minutes) as t (tenant, device_id, minute)
  where p.id = any($1::bigint[])
)`;

/**
 * Numeric metrics only: a boolean or a text has no sum. Rows never change and never go but with their whole partition,
 * so a bucket that is recomputed has at least the metrics it had.
 */
const recomputeMinutes = `
with ${touched}, fresh as (
  select t.tenant, t.device_id, t.minute as bucket, v.key as metric, count(*) as count,
         sum(v.value::float8) as sum, min(v.value::float8) as min, max(v.value::float8) as max
  from touched t
  join lateral (
    select r.values from readings r
    where r.tenant = t.tenant and r.device_id = t.device_id and r.ts >= t.minute and r.ts < t.minute + interval '1 minute'
    offset 0
  ) r on true
  cross join lateral jsonb_each(r.values) as v
  where jsonb_typeof(v.value) = 'number'
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
select h.tenant, h.device_id, h.bucket, m.metric, sum(m.count), sum(m.sum), min(m.min), max(m.max)
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
