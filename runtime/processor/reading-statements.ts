import type pg from 'pg';
import type { Row } from './interpret.ts';

/** A connection or a pool: what runs in a transaction of its own, or in the caller's. */
export type Database = Pick<pg.Pool, 'query'>;

/**
 * Inserts what is not there yet; with it the minutes to roll up and the devices whose rules must look.
 * @returns rows that are new.
 */
export async function insertNew(
  database: Database,
  rows: readonly Row[],
  alertDevices: readonly (readonly [string, string])[],
): Promise<number> {
  const { rows: answer } = await database.query<{ n: number }>({
    name: 'insert-readings',
    text: insertReadings,
    values: [...columns(rows), alertDevices.map((d) => d[0]).join('\n'), alertDevices.map((d) => d[1]).join('\n')],
  });
  return answer[0]?.n ?? 0;
}

/** Those of these rows whose key another reading holds, with the values that it has. */
export async function findOthers(database: Database, rows: readonly Row[]): Promise<{ row: Row; stored: string }[]> {
  const { rows: found } = await database.query<{ n: number; stored: string }>({
    name: 'find-conflicts',
    text: findConflicts,
    values: [...columns(rows), rows.map((r) => (r.stamped ? 1 : 0)).join(',')],
  });
  return found.map(({ n, stored }) => ({ row: rows[n - 1] as Row, stored }));
}

/**
 * Columns as one text each, split by Postgres: a fifth of the client's cost of quoting seven arrays. Names, ids and
 * JSON text hold no line break, which `attributes.ts` and JSON.stringify see to.
 */
function columns(rows: readonly Row[]): string[] {
  let tenants = '';
  let devices = '';
  let times = '';
  let seqs = '';
  let values = '';
  let messages = '';
  let received = '';
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as Row;
    const [line, comma] = i === 0 ? ['', ''] : ['\n', ','];
    tenants += line + row.tenant;
    devices += line + row.device;
    times += comma + row.ts;
    seqs += comma + row.seq;
    values += line + row.json;
    messages += line + row.message;
    received += comma + row.received;
  }
  return [tenants, devices, times, seqs, values, messages, received];
}

const input = `unnest(string_to_array($1, E'\\n'), string_to_array($2, E'\\n'), string_to_array($3, ',')::float8[],
  string_to_array($4, ',')::bigint[], string_to_array($5, E'\\n')::jsonb[], string_to_array($6, E'\\n'),
  string_to_array($7, ',')::float8[]`;
const insertReadings = `
with fresh as (
  insert into readings (tenant, device_id, ts, seq, values, message, received_at)
  select tenant, device, to_timestamp(ts / 1000), seq, vals, message, to_timestamp(received / 1000)
  from ${input}) as i (tenant, device, ts, seq, vals, message, received)
  on conflict do nothing
  returning tenant, device_id, ts
), minutes as (
  insert into rollup_pending (tenants, devices, minutes, newest_minute)
  select array_agg(tenant), array_agg(device_id), array_agg(minute), minute
  from (select distinct tenant, device_id, date_bin('1 minute', ts, 'epoch') as minute from fresh) as m
  group by minute
), rules as (
  insert into alert_pending (tenants, devices)
  select string_to_array($8, E'\\n'), string_to_array($9, E'\\n') where $8 <> ''
)
select count(*)::int as n from fresh`;
const findConflicts = `
select i.n::int as n, r.values::text as stored
from ${input}, string_to_array($8, ',')::int[]) with ordinality
  as i (tenant, device, ts, seq, vals, message, received, stamped, n)
join readings r on r.tenant = i.tenant and r.device_id = i.device and r.ts = to_timestamp(i.ts / 1000) and r.seq = i.seq
where case when i.stamped = 1 then r.message <> i.message else r.values <> i.vals end`;
