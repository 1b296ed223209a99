import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepPartitions, makePartitionsFor } from '../../runtime/platform/database/partition-keeper.ts';
import { createPool } from '../../runtime/platform/database/pool.ts';
import type { Row } from '../../runtime/processor/interpret.ts';
import { rollUp } from '../../runtime/processor/rollups.ts';
import { writeBatch } from '../../runtime/processor/store.ts';
import { quietLog } from '../support/log.ts';
import { type TestPostgres, testPostgres } from '../support/postgres.ts';
import { Crash, faultyPool, seeded } from './faulty-pool.ts';

let postgres: TestPostgres;
/** As the processor: its login, its rights. */
let pool: pg.Pool;
/** For what only a test or the job `retention` does. */
let owner: pg.Pool;
beforeAll(async () => {
  postgres = await testPostgres({ shards: ['shard_a'] });
  const bounds = { name: 'shard_a', application: 'test', max: 4, connectMs: 5_000, statementMs: 20_000 };
  pool = createPool({ ...bounds, url: postgres.as('processor').shards['shard_a'] as string }, quietLog);
  owner = createPool({ ...bounds, url: postgres.urlOf('shard_a') }, quietLog);
});
afterAll(async () => {
  await Promise.all([pool?.end(), owner?.end()]);
  await postgres?.stop();
});

const start = Date.UTC(2026, 5, 30, 23, 58);
const later = start + 3_600_000;

function row(tenant: string, device: string, ts: number, seq: number, values: object): Row {
  const message = `${tenant}-${device}-${ts}-${seq}`;
  const json = JSON.stringify(values);
  return { tenant, device, ts, seq, json, message, received: ts, index: 0, stamped: false, subfolder: '' };
}

const batchOf = (rows: readonly Row[]) => ({ rows, deadLetters: [], states: [], alertDevices: [] });

/** What the rollups must be, by the shortest way from the rows. */
const truth = (table: string, unit: string) => `
  select tenant, device_id, date_trunc('${unit}', ts) as bucket, key as metric, count(*)::int as count,
    sum(value::float8) as sum, min(value::float8) as min, max(value::float8) as max
  from readings, jsonb_each(values) where jsonb_typeof(value) = 'number' group by 1, 2, 3, 4
  except select tenant, device_id, bucket, metric, count::int, sum, min, max from ${table}`;
const surplus = (table: string, unit: string) => `
  select tenant, device_id, bucket, metric, count::int, sum, min, max from ${table}
  except select tenant, device_id, date_trunc('${unit}', ts), key, count(*)::int,
    sum(value::float8), min(value::float8), max(value::float8)
  from readings, jsonb_each(values) where jsonb_typeof(value) = 'number' group by 1, 2, 3, 4`;

async function expectTrue() {
  for (const [table, unit] of [
    ['rollup_1m', 'minute'],
    ['rollup_1h', 'hour'],
  ] as const) {
    expect((await pool.query(truth(table, unit))).rows, `${table} lacks`).toEqual([]);
    expect((await pool.query(surplus(table, unit))).rows, `${table} has too much`).toEqual([]);
  }
}

test('240 seeds of late, repeated and redelivered batches, each with a crash at an await: rollups equal the rows', async () => {
  for (let seed = 0; seed < 240; seed++) {
    const random = seeded(seed);
    const pick = (n: number) => Math.floor(random() * n);
    const tenant = `t${seed}`;
    // Few devices and few minutes over the turn of an hour, a day and a month, so that batches meet in buckets.
    const rows = Array.from({ length: 24 }, (_, i) =>
      row(tenant, `dev-${pick(3)}`, start + pick(240) * 1_000, i, {
        a: pick(9),
        ...(random() < 0.3 ? { b: 0.5, on: true } : {}),
      }),
    );
    const batches: Row[][] = [];
    for (let at = 0; at < rows.length; ) {
      const size = 1 + pick(8);
      const again = Array.from({ length: pick(4) }, () => rows[pick(rows.length)] as Row);
      batches.push([...rows.slice(at, at + size), ...again]);
      at += size;
    }
    batches.sort(() => random() - 0.5);
    // One statement of this seed's whole run fails; the seeds walk through all of them, before and after.
    const faulty = faultyPool(pool, Math.floor(seed / 2) % 40, seed % 2 === 0 ? 'before' : 'after');
    for (const batch of batches) {
      for (let tries = 0; ; tries++) {
        try {
          await writeBatch(faulty, batchOf(batch), makePartitionsFor);
          break;
        } catch (error) {
          if (!(error instanceof Crash) || tries > 0) throw error;
        }
      }
      if (random() < 0.5) await rollUp(faulty, start + pick(400_000), 1 + pick(5)).catch(onlyCrash);
    }
    await rollUp(faulty, later).catch(onlyCrash);
    while ((await rollUp(pool, later)).more);
  }
  await expectTrue();
  const { rows: left } = await pool.query('select 1 from rollup_pending');
  expect(left).toEqual([]);
  const { rows: counted } = await pool.query('select count(*)::int as n from readings');
  expect(counted[0].n).toBe(240 * 24);
}, 120_000);

function onlyCrash(error: unknown): void {
  if (!(error instanceof Crash)) throw error;
}

test('a running minute waits; one that comes late opens its minute and hour again', async () => {
  const minute = Date.UTC(2026, 7, 1, 12, 0);
  const of = async (table: string) => {
    const { rows } = await pool.query(`select count::int, sum from ${table} where tenant = 'late' order by bucket`);
    return rows;
  };
  await writeBatch(pool, batchOf([row('late', 'dev-1', minute + 1_000, 0, { a: 1 })]), makePartitionsFor);
  await rollUp(pool, minute + 64_000);
  expect(await of('rollup_1m')).toEqual([]);
  await rollUp(pool, minute + 65_000);
  expect(await of('rollup_1m')).toEqual([{ count: 1, sum: 1 }]);
  await writeBatch(pool, batchOf([row('late', 'dev-1', minute + 2_000, 0, { a: 5 })]), makePartitionsFor);
  await rollUp(pool, minute + 3_600_000);
  expect(await of('rollup_1m')).toEqual([{ count: 2, sum: 6 }]);
  expect(await of('rollup_1h')).toEqual([{ count: 2, sum: 6 }]);
});

test('a minute that a thousand batches touched is recomputed once; a turn ends at its bound of places', async () => {
  const minute = Date.UTC(2026, 7, 2, 12, 0);
  const rows = [row('busy', 'dev-1', minute + 1_000, 0, { a: 1 }), row('busy', 'dev-2', minute + 1_000, 0, { a: 2 })];
  await writeBatch(pool, batchOf(rows), makePartitionsFor);
  const pending = (count: number, places: number) =>
    owner.query(
      `insert into rollup_pending (tenants, devices, minutes, newest_minute)
       select array_fill('busy'::text, array[$2::int]), array_fill('dev-1'::text, array[$2::int]), array_fill($3::timestamptz, array[$2::int]), $3
       from generate_series(1, $1)`,
      [count, places, new Date(minute)],
    );
  await pending(1_000, 1);
  expect(await rollUp(pool, minute + 65_000)).toEqual({ minutes: 2, more: false, failed: [] });
  await pending(3, 60_000); // the second begins below the bound of 100,000, the third does not
  expect(await rollUp(pool, minute + 65_000)).toEqual({ minutes: 1, more: true, failed: [] });
  expect(await rollUp(pool, minute + 65_000)).toEqual({ minutes: 1, more: false, failed: [] });
  const { rows: left } = await pool.query('select count(*)::int as n from rollup_pending');
  expect(left[0].n).toBe(0);
});

test('one device with a fast clock does not hold up the minutes of others', async () => {
  const minute = Date.UTC(2026, 7, 2, 12, 0);
  await writeBatch(
    pool,
    batchOf([row('fast', 'dev-1', minute, 0, { a: 1 }), row('fast', 'dev-2', minute + 240_000, 0, { a: 1 })]),
    makePartitionsFor,
  );
  await rollUp(pool, minute + 65_000);
  const { rows } = await pool.query("select device_id from rollup_1m where tenant = 'fast'");
  expect(rows).toEqual([{ device_id: 'dev-1' }]);
});

test('two processors at once: the second leaves the rollups to the first', async () => {
  const minute = Date.UTC(2026, 7, 3, 12, 0);
  await writeBatch(pool, batchOf([row('two', 'dev-1', minute, 0, { a: 1 })]), makePartitionsFor);
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select pg_advisory_xact_lock(7411002)');
  expect(await rollUp(pool, minute + 3_600_000)).toEqual({ minutes: 0, more: false, failed: [] });
  await holder.query('rollback');
  holder.release();
  expect((await rollUp(pool, minute + 3_600_000)).minutes).toBeGreaterThan(0);
});

test('numbers that no float8 sum holds end at the largest one; minutes and hours of others go on', async () => {
  const minute = Date.UTC(2026, 7, 4, 12, 0);
  const most = Number.MAX_VALUE;
  const least = Number.MIN_VALUE;
  const given: Record<string, number[]> = {
    up: [1.7e308, 1.7e308],
    down: [-most, -most, 5],
    back: [most, most, -most, -most, 7],
    tiny: [least, -least, least],
    plain: [0.1, 0.2, 0.3],
  };
  const rows = Object.entries(given).flatMap(([metric, values]) =>
    values.map((value, i) => row('huge', metric, minute + i, 0, { [metric]: value })),
  );
  rows.push(...rows.map((one) => ({ ...one, ts: one.ts + 60_000 })));
  await writeBatch(pool, batchOf(rows), makePartitionsFor);
  expect((await rollUp(pool, minute + 3_600_000)).failed).toEqual([]);
  const sums = async (table: string) => {
    const { rows: found } = await pool.query<{ metric: string; sum: number; min: number; max: number }>(
      `select distinct metric, sum, min, max from ${table} where tenant = 'huge' order by metric`,
    );
    return Object.fromEntries(found.map(({ metric, sum, min, max }) => [metric, [sum, min, max]]));
  };
  const minutes = {
    up: [most, 1.7e308, 1.7e308],
    down: [-most, -most, 5],
    back: [7, -most, most],
    tiny: [least, -least, least],
    plain: [0.1 + 0.2 + 0.3, 0.1, 0.3],
  };
  expect(await sums('rollup_1m')).toEqual(minutes);
  expect(await sums('rollup_1h')).toEqual({
    ...minutes,
    back: [14, -most, most],
    tiny: [2 * least, -least, least],
    plain: [2 * (0.1 + 0.2 + 0.3), 0.1, 0.3],
  });
  expect((await pool.query('select 1 from rollup_pending')).rows).toEqual([]);
});

test('a minute that Postgres refuses is put aside by itself, the others of its batch and after it are rolled up', async () => {
  const minute = Date.UTC(2026, 7, 5, 12, 0);
  await owner.query(`create function refuse() returns trigger language plpgsql as $$ begin
    if new.device_id = 'dev-5' then raise exception 'never' using errcode = '22003'; end if; return new; end $$`);
  await owner.query('create trigger refuse before insert on rollup_1m for each row execute function refuse()');
  try {
    for (const at of [0, 60_000, 120_000])
      await writeBatch(
        pool,
        batchOf(Array.from({ length: 9 }, (_, i) => row('odd', `dev-${i}`, minute + at, 0, { a: at === 0 ? 1 : 2 }))),
        makePartitionsFor,
      );
    const failed: unknown[] = [];
    for (let turns = 0, more = true; more; turns++) {
      expect(turns, 'turns').toBeLessThan(50);
      const turn = await rollUp(pool, minute + 3_600_000);
      failed.push(...turn.failed.map(({ tenant, device, minute: at, reason }) => [tenant, device, at, reason]));
      more = turn.more || turn.failed.length > 0;
    }
    expect(failed).toEqual([0, 60_000, 120_000].map((at) => ['odd', 'dev-5', new Date(minute + at), 'never']));
    const { rows } = await pool.query(
      "select device_id, sum from rollup_1h where tenant = 'odd' group by 1, 2 order by 1",
    );
    expect(rows).toEqual([0, 1, 2, 3, 4, 6, 7, 8].map((i) => ({ device_id: `dev-${i}`, sum: 5 })));
    expect((await pool.query('select 1 from rollup_pending')).rows).toEqual([]);
  } finally {
    await owner.query('drop trigger refuse on rollup_1m');
  }
  // A new reading of the minute tries again.
  await writeBatch(pool, batchOf([row('odd', 'dev-5', minute + 1, 0, { a: 3 })]), makePartitionsFor);
  await rollUp(pool, minute + 3_600_000);
  const { rows } = await pool.query("select sum from rollup_1m where tenant = 'odd' and device_id = 'dev-5'");
  expect(rows).toEqual([{ sum: 4 }]);
});

test('a minute that takes too long goes to the end of the queue and stays pending', async () => {
  const minute = Date.UTC(2026, 7, 6, 12, 0);
  await owner.query(`create function slow() returns trigger language plpgsql as $$ begin
    if new.device_id = 'slow' then raise exception 'too long' using errcode = '57014'; end if; return new; end $$`);
  await owner.query('create trigger slow before insert on rollup_1m for each row execute function slow()');
  try {
    await writeBatch(pool, batchOf([row('late-2', 'slow', minute, 0, { a: 1 })]), makePartitionsFor);
    await writeBatch(pool, batchOf([row('late-2', 'quick', minute, 0, { a: 1 })]), makePartitionsFor);
    expect((await rollUp(pool, minute + 3_600_000)).failed).toMatchObject([{ device: 'slow', reason: 'too long' }]);
    await rollUp(pool, minute + 3_600_000, 1);
    const { rows } = await pool.query("select device_id from rollup_1m where tenant = 'late-2'");
    expect(rows).toEqual([{ device_id: 'quick' }]);
  } finally {
    await owner.query('drop trigger slow on rollup_1m');
  }
  expect((await rollUp(pool, minute + 3_600_000)).minutes).toBe(1);
});

test('retention by the clock: whole days go, a day that may still be written stays', async () => {
  const day = 86_400_000;
  const now = Date.UTC(2027, 0, 15, 12);
  const keep = { readings: 30, rollups: 400 };
  for (const age of [29, 33])
    await writeBatch(pool, batchOf([row('old', `dev-${age}`, now - age * day, 0, { a: 1 })]), makePartitionsFor);
  const dropped = await keepPartitions(owner, now, keep, quietLog);
  expect(dropped).toContain('readings_20261213');
  expect(dropped.filter((name) => name.startsWith('rollup'))).toEqual([]);
  const { rows } = await pool.query("select device_id from readings where tenant = 'old'");
  expect(rows).toEqual([{ device_id: 'dev-29' }]);
  expect(await keepPartitions(owner, now, keep, quietLog)).toEqual([]);
});
