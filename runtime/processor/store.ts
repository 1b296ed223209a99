import type pg from 'pg';
import { isNoPartition } from '../platform/database/partition-keeper.ts';
import { isTransient } from '../platform/database/pool.ts';
import { messageDeadLetterId, readingDeadLetterId, stampedSeq } from './identity.ts';
import type { DeadLetter, Row } from './interpret.ts';
import { findOthers, insertNew } from './reading-statements.ts';

export type ReportedState = { tenant: string; device: string; json: string; message: string; received: number };

/** What one batch brings to one database. `alertDevices`: tenant and device of rows that rules look at. */
export type Batch = {
  rows: readonly Row[];
  deadLetters: readonly DeadLetter[];
  states: readonly ReportedState[];
  alertDevices: readonly (readonly [string, string])[];
};
export type Stored = {
  inserted: number;
  duplicates: number;
  deadLetters: readonly DeadLetter[];
  /** Rows that did not become what they were: refused, or stored under another `seq`. */
  changed: readonly Row[];
};

/** What the store asks for when a row's day has no partition yet. */
export type MakePartitions = (pool: pg.Pool, rows: readonly Row[]) => Promise<void>;

/**
 * Writes a batch; every statement of it may be repeated. Rows, the minutes they touch and the devices whose rules must
 * look are one statement, so one transaction; what could not become a row becomes a dead letter after it. A crash in
 * between repeats the whole batch, because its messages are acknowledged only when this has returned.
 * @throws what `isTransient` calls transient; nothing else.
 */
export async function writeBatch(pool: pg.Pool, batch: Batch, makePartitions: MakePartitions): Promise<Stored> {
  const dead: DeadLetter[] = [...batch.deadLetters];
  let inserted = 0;
  let duplicates = 0;
  let changed: readonly Row[] = [];
  if (batch.rows.length > 0) {
    const outcome = await insertRows(pool, batch.rows, batch.alertDevices, makePartitions);
    inserted = outcome.inserted;
    dead.push(...outcome.rejected);
    changed = outcome.rejectedRows;
    const refused = batch.rows.length - outcome.inserted - outcome.rejected.length;
    if (refused > 0) {
      const rejected = new Set(outcome.rejectedRows);
      const tried = rejected.size === 0 ? batch.rows : batch.rows.filter((row) => !rejected.has(row));
      const second = await settleConflicts(pool, tried, batch.alertDevices, makePartitions);
      inserted += second.inserted;
      duplicates = refused - second.inserted - second.conflicts.length;
      dead.push(...second.conflicts);
      changed = [...changed, ...second.changed];
    }
  }
  if (batch.states.length > 0) dead.push(...(await writeReportedStates(pool, batch.states)));
  if (dead.length > 0) await writeDeadLetters(pool, dead);
  return { inserted, duplicates, deadLetters: dead, changed };
}

type Outcome = { inserted: number; rejected: DeadLetter[]; rejectedRows: Row[] };

/** Inserts what is not there yet. A row that Postgres will never take is found by halving and rejected alone. */
async function insertRows(
  pool: pg.Pool,
  rows: readonly Row[],
  alertDevices: Batch['alertDevices'],
  makePartitions: MakePartitions,
  mayMake = true,
): Promise<Outcome> {
  try {
    return { inserted: await insertNew(pool, rows, alertDevices), rejected: [], rejectedRows: [] };
  } catch (error) {
    if (mayMake && isNoPartition(error)) {
      await makePartitions(pool, rows);
      return insertRows(pool, rows, alertDevices, makePartitions, false);
    }
    if (isTransient(error)) throw error;
    if (rows.length === 1)
      return { inserted: 0, rejected: [rejectedRow(rows[0] as Row, error)], rejectedRows: [...rows] };
    const middle = rows.length >> 1;
    const left = await insertRows(pool, rows.slice(0, middle), alertDevices, makePartitions);
    const right = await insertRows(pool, rows.slice(middle), alertDevices, makePartitions);
    return {
      inserted: left.inserted + right.inserted,
      rejected: [...left.rejected, ...right.rejected],
      rejectedRows: [...left.rejectedRows, ...right.rejectedRows],
    };
  }
}

/**
 * Rows that were there already: a duplicate when the stored row says the same, otherwise a conflict. Two readings that
 * the gateway stamped with the same millisecond are two readings: the second gets a `seq` of its own.
 */
async function settleConflicts(
  pool: pg.Pool,
  rows: readonly Row[],
  alertDevices: Batch['alertDevices'],
  makePartitions: MakePartitions,
): Promise<{ inserted: number; conflicts: DeadLetter[]; changed: Row[] }> {
  const found = await findOthers(pool, rows);
  const conflicts: DeadLetter[] = [];
  const again: Row[] = [];
  for (const { row, stored } of found) {
    if (row.stamped) again.push({ ...row, seq: stampedSeq(row.message, row.index) });
    else conflicts.push(conflictOf(row, stored));
  }
  const { inserted, rejected } =
    again.length === 0 ? nothing : await insertRows(pool, again, alertDevices, makePartitions);
  const changed = found.map(({ row }) => row);
  return { inserted, conflicts: [...conflicts, ...rejected], changed };
}
const nothing: Outcome = { inserted: 0, rejected: [], rejectedRows: [] };

/** @returns dead letters of states that Postgres will never take. */
async function writeReportedStates(pool: pg.Pool, states: readonly ReportedState[]): Promise<DeadLetter[]> {
  try {
    await upsertStates(pool, states);
    return [];
  } catch (error) {
    if (isTransient(error)) throw error;
    if (states.length === 1) return [rejectedState(states[0] as ReportedState, error)];
    const letters: DeadLetter[] = [];
    for (const state of states) letters.push(...(await writeReportedStates(pool, [state])));
    return letters;
  }
}

/** @returns how many of the devices had none as new. */
export async function upsertStates(pool: Pick<pg.Pool, 'query'>, states: readonly ReportedState[]): Promise<number> {
  const newest = new Map<string, ReportedState>();
  for (const state of states) {
    const key = `${state.tenant}/${state.device}`;
    if ((newest.get(key)?.received ?? -1) <= state.received) newest.set(key, state);
  }
  const list = [...newest.values()];
  const { rowCount } = await pool.query(
    `insert into reported_states as s (tenant, device_id, state, message, received_at)
     select tenant, device, state, message, to_timestamp(received / 1000)
     from unnest($1::text[], $2::text[], $3::jsonb[], $4::text[], $5::float8[]) as i (tenant, device, state, message, received)
     on conflict (tenant, device_id) do update set state = excluded.state, message = excluded.message,
       received_at = excluded.received_at where s.received_at < excluded.received_at`,
    [
      list.map((s) => s.tenant),
      list.map((s) => s.device),
      list.map((s) => s.json),
      list.map((s) => s.message),
      list.map((s) => s.received),
    ],
  );
  return rowCount ?? 0;
}

/** Writes dead letters; those already there stay as they are. */
export async function writeDeadLetters(pool: Pick<pg.Pool, 'query'>, letters: readonly DeadLetter[]): Promise<void> {
  await pool.query(
    `insert into dead_letters (tenant, id, device_id, reason, detail, payload, subfolder, message, received_at,
       kind, place, stamped, transformed)
     select tenant, id, device, reason, detail, decode(payload, 'base64'), subfolder, message, to_timestamp(received / 1000),
       kind, place, stamped, transformed
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::float8[],
       $10::text[], $11::int[], $12::bool[], $13::bool[])
       as i (tenant, id, device, reason, detail, payload, subfolder, message, received, kind, place, stamped, transformed)
     on conflict do nothing`,
    [
      letters.map((l) => l.tenant),
      letters.map((l) => l.id),
      letters.map((l) => l.device),
      letters.map((l) => l.reason),
      letters.map((l) => printable(l.detail)),
      letters.map((l) => l.payload.toString('base64')),
      letters.map((l) => l.subfolder),
      letters.map((l) => l.message),
      letters.map((l) => l.received),
      letters.map((l) => l.kind),
      letters.map((l) => l.place),
      letters.map((l) => l.stamped),
      letters.map((l) => l.transformed),
    ],
  );
}

export function rejectedRow(row: Row, error: unknown): DeadLetter {
  const { message, code } = error as { message?: string; code?: string };
  return letterOf(row, 'rejected', `the store refused it (${code ?? 'no code'}): ${message ?? String(error)}`);
}

function rejectedState(state: ReportedState, error: unknown): DeadLetter {
  const { tenant, device, json, message, received } = state;
  const detail = `the store refused the reported state: ${(error as Error).message}`;
  const id = messageDeadLetterId(message, -1);
  return {
    tenant,
    id,
    device,
    reason: 'rejected',
    detail,
    payload: Buffer.from(json),
    subfolder: '',
    message,
    received,
    kind: 'state',
    place: -1,
    stamped: false,
    transformed: false,
  };
}

export function conflictOf(row: Row, stored: string): DeadLetter {
  return letterOf(row, 'conflict', `ts and seq are stored already with other values: ${stored.slice(0, 500)}`);
}

function letterOf(row: Row, reason: 'rejected' | 'conflict', detail: string): DeadLetter {
  const { tenant, device, ts, seq, json, message, received, subfolder, index, stamped } = row;
  const id = readingDeadLetterId(row);
  const payload = Buffer.from(`{"ts":${ts},"seq":${seq},"values":${json}}`);
  const provenance = { kind: 'events' as const, place: index, stamped, transformed: true };
  return { tenant, id, device, reason, detail, payload, subfolder, message, received, ...provenance };
}

/** Postgres' text takes no NUL, and UTF-8 no lone surrogate; a detail may quote a stranger's bytes. */
export function printable(text: string): string {
  return text.replaceAll('\0', '\\0').toWellFormed().slice(0, 2_000);
}
