import type pg from 'pg';
import type { Cache } from '../../../runtime/platform/cache/cache.ts';
import { CacheError } from '../../../runtime/platform/cache/errors.ts';
import { stateKey } from '../../../runtime/platform/cache/keys.ts';
import { newestState } from '../../../runtime/platform/cache/scripts/newest-state.ts';
import type { Row } from '../../../runtime/processor/interpret.ts';
import { newestRows } from '../../../runtime/processor/newest.ts';
import { MicroBatch } from './micro-batch.ts';

/** The two monoliths: `B0` writes each message by itself, `B1` gathers messages as a competent one would. */
export type Baseline = 'B0' | 'B1';

/** Calls back when every row is committed and its newest state written, or with why not. */
export type RowStore = { write(rows: readonly Row[], done: (error: Error | null) => void): void };

export const batchRows = 500;
export const batchesInFlight = 2;
/** States of a benchmark are worth nothing after it. */
const stateSeconds = 600;

/**
 * Both write the platform's own table and the platform's own state script, and nothing of what else the platform
 * does with a reading (rollups, alert rules): that is in the baselines' favour. So is that row and state are written at
 * one time, not one after the other.
 */
export function createRowStore(baseline: Baseline, pool: pg.Pool, cache: Cache): RowStore {
  return baseline === 'B0' ? singly(pool, cache) : gathered(pool, cache);
}

function singly(pool: pg.Pool, cache: Cache): RowStore {
  const insert = (row: Row) =>
    pool.query({
      name: 'monolith-insert',
      text: insertOne,
      values: [row.tenant, row.device, row.ts, row.seq, row.json, row.message, row.received],
    });
  return {
    write(rows, done) {
      Promise.all(rows.flatMap((row) => [insert(row), cache.run(newestState, stateOf(row))])).then(
        () => done(null),
        (error: Error) => done(error),
      );
    },
  };
}

function gathered(pool: pg.Pool, cache: Cache): RowStore {
  const batch = new MicroBatch<readonly Row[]>({
    maxItems: batchRows,
    maxInFlight: batchesInFlight,
    async write(messages) {
      const rows = messages.flat();
      const [, states] = await Promise.all([
        pool.query({ name: 'monolith-insert-many', text: insertMany, values: columnsOf(rows) }),
        cache.runMany(newestState, newestRows(rows, []).map(stateOf)),
      ]);
      const failed = states.find((state) => state instanceof CacheError);
      if (failed !== undefined) throw failed;
    },
  });
  return { write: (rows, done) => batch.add(rows, done) };
}

const stateOf = ({ tenant, device, ts, seq, json }: Row) => ({
  key: stateKey(tenant, device),
  ts,
  seq,
  payload: json,
  ttlSeconds: stateSeconds,
});

const insertOne = `insert into readings (tenant, device_id, ts, seq, values, message, received_at)
values ($1, $2, to_timestamp($3::float8 / 1000), $4, $5, $6, to_timestamp($7::float8 / 1000)) on conflict do nothing`;

const insertMany = `insert into readings (tenant, device_id, ts, seq, values, message, received_at)
select tenant, device, to_timestamp(ts / 1000), seq, vals, message, to_timestamp(received / 1000)
from unnest(string_to_array($1, E'\\n'), string_to_array($2, E'\\n'), string_to_array($3, ',')::float8[],
  string_to_array($4, ',')::bigint[], string_to_array($5, E'\\n')::jsonb[], string_to_array($6, E'\\n'),
  string_to_array($7, ',')::float8[]) as i (tenant, device, ts, seq, vals, message, received)
on conflict do nothing`;

/** Each column as one text that Postgres splits, as the processor does: a fifth of the client's cost of arrays. */
function columnsOf(rows: readonly Row[]): string[] {
  const lines = (of: (row: Row) => string) => rows.map(of).join('\n');
  const numbers = (of: (row: Row) => number) => rows.map(of).join(',');
  return [
    lines((r) => r.tenant),
    lines((r) => r.device),
    numbers((r) => r.ts),
    numbers((r) => r.seq),
    lines((r) => r.json),
    lines((r) => r.message),
    numbers((r) => r.received),
  ];
}
