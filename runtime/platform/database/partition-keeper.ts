import type pg from 'pg';
import type { Log } from '../service/log.ts';
import { type Partition, partitionsAhead, partitionsFor, partitionsToDrop } from './partitions.ts';

/** Whoever makes or drops partitions of a database holds this lock; `make_partition` takes it, too. */
const lockKey = 7_411_001;

/** Through a function of the schema's owner: the caller needs not own the tables (shard migration 0002). */
export async function makePartitions(pool: pg.Pool, partitions: readonly Partition[]): Promise<void> {
  if (partitions.length === 0) return;
  await pool.query('select make_partition(parent, day) from unnest($1::text[], $2::date[]) as p (parent, day)', [
    partitions.map((partition) => partition.table),
    partitions.map((partition) => partition.from),
  ]);
}

/** On demand, for rows whose day is not there (late data within the retention). */
export function makePartitionsFor(pool: pg.Pool, rows: readonly { ts: number }[]): Promise<void> {
  const times = rows.map((row) => row.ts);
  const tables = ['readings', 'rollup_1m', 'rollup_1h'] as const;
  return makePartitions(
    pool,
    tables.flatMap((table) => partitionsFor(table, times)),
  );
}

/**
 * Makes what is needed next and drops what is no longer kept, as far as this login owns it: on one machine the processor
 * does both; in the cloud it owns nothing, and the job `retention` drops as the migrator.
 * @returns names dropped.
 */
export async function keepPartitions(
  pool: pg.Pool,
  now: number,
  keepDays: { readings: number; rollups: number },
  log: Log,
): Promise<string[]> {
  await makePartitions(pool, partitionsAhead(now));
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent in ('readings'::regclass, 'rollup_1m'::regclass, 'rollup_1h'::regclass)
       and pg_has_role(c.relowner, 'usage')`,
  );
  const old = partitionsToDrop(
    rows.map((r) => r.name),
    now,
    keepDays,
  );
  if (old.length > 0) {
    await locked(pool, async (client) => {
      for (const name of old) await client.query(`drop table if exists ${name}`);
    });
    log.info({ dropped: old }, 'partitions dropped by retention');
  }
  return old;
}

async function locked(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  let failed: unknown;
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await work(client);
    await client.query('commit');
  } catch (error) {
    failed = error;
    throw error;
  } finally {
    // A connection whose transaction failed is closed: whatever state it is in is not worth finding out.
    client.release(failed !== undefined);
  }
}

/** Whether Postgres had no partition for a row: the one check violation that is ours to mend. */
export function isNoPartition(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return code === '23514' && message?.includes('no partition') === true;
}
