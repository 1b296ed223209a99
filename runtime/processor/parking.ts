import type pg from 'pg';
import type { RawMessage } from './attributes.ts';

/** A message kept in another database than its own. */
export type Parked = { id: string; raw: RawMessage };

/** Messages one database keeps for others at most; beyond it the pull stops, and all devices wait. */
export const parkingPlaces = 1_000_000;

/**
 * Keeps messages durably for a database that is away; afterwards they may be acknowledged.
 * @returns false when the parking is full.
 */
export async function park(
  pool: Pick<pg.Pool, 'query'>,
  waitsFor: string,
  messages: readonly { message: string; raw: RawMessage }[],
): Promise<boolean> {
  const { rows } = await pool.query<{ n: string }>(
    "select greatest(reltuples, 0)::bigint as n from pg_class where oid = 'parked_messages'::regclass",
  );
  if (Number(rows[0]?.n ?? 0) >= parkingPlaces) return false;
  await pool.query(
    `insert into parked_messages (waits_for, message, attributes, data)
     select $1, message, attributes, decode(data, 'base64')
     from unnest($2::text[], $3::jsonb[], $4::text[]) as i (message, attributes, data)
     on conflict (message) do nothing`,
    [
      waitsFor,
      messages.map((m) => m.message),
      messages.map((m) => JSON.stringify(m.raw.attributes)),
      messages.map((m) => m.raw.data.toString('base64')),
    ],
  );
  return true;
}

/** What waits here, by the name of what it waits for. */
export async function parkedFor(pool: Pick<pg.Pool, 'query'>): Promise<string[]> {
  const { rows } = await pool.query<{ waits_for: string }>('select distinct waits_for from parked_messages');
  return rows.map((row) => row.waits_for);
}

/**
 * Takes messages out for a while; `unpark` makes it for good. A processor that dies in between leaves them to be taken
 * again, and the rows that it wrote are found as duplicates.
 */
export async function takeParked(
  pool: Pick<pg.Pool, 'query'>,
  waitsFor: string,
  max: number,
  forSeconds: number,
): Promise<Parked[]> {
  const { rows } = await pool.query<{ id: string; attributes: Record<string, string>; data: Buffer }>(
    `update parked_messages set taken_until = now() + make_interval(secs => $3)
     where id in (select id from parked_messages where waits_for = $1 and taken_until < now() order by id limit $2
                  for update skip locked)
     returning id, attributes, data`,
    [waitsFor, max, forSeconds],
  );
  return rows.map(({ id, attributes, data }) => ({ id, raw: { attributes, data } }));
}

export async function unpark(pool: Pick<pg.Pool, 'query'>, ids: readonly string[]): Promise<void> {
  await pool.query('delete from parked_messages where id = any($1::bigint[])', [ids]);
}
