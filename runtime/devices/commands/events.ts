import type { Tx } from '../database.ts';
import { type CommandEvent, type Ignored, step } from './machine.ts';
import { type CommandRow, commandColumns, stateOf, withState } from './rows.ts';

/** Something that happened to one command; `device` and `name` must be the command's, or it is not meant. */
export type Happening = { tenant: string; device: string; id: string; name?: string | undefined; event: CommandEvent };
export type Outcome = { row: CommandRow | undefined; ignored: Ignored | 'unknown' | undefined };

/**
 * The only place where a command's state changes: rows locked in one order, each event through the machine, one update.
 * @returns an outcome for each happening, in order; the row is as it is after all of them.
 */
export async function applyToCommands(tx: Tx, happenings: readonly Happening[], now: number): Promise<Outcome[]> {
  if (happenings.length === 0) return [];
  const rows = await tx.query<CommandRow>(
    `select ${commandColumns} from commands c
     where exists (select 1 from unnest($1::text[], $2::uuid[]) as h (tenant, id) where c.tenant = h.tenant and c.id = h.id)
     order by c.tenant, c.id for update`,
    [happenings.map((h) => h.tenant), happenings.map((h) => h.id)],
  );
  const known = new Map(rows.map((row) => [`${row.tenant}/${row.id}`, row]));
  const changed = new Set<string>();
  const ignored = happenings.map((happening): Outcome['ignored'] => {
    const key = `${happening.tenant}/${happening.id}`;
    const row = known.get(key);
    if (row === undefined || row.device_id !== happening.device) return 'unknown';
    if (happening.name !== undefined && row.name !== happening.name) return 'unknown';
    const next = step(stateOf(row), happening.event, now);
    if (typeof next === 'string') return next;
    known.set(key, withState(row, next));
    changed.add(key);
    return undefined;
  });
  await writeStates(
    tx,
    [...changed].map((key) => known.get(key) as CommandRow),
  );
  return happenings.map(({ tenant, id }, i) => ({ row: known.get(`${tenant}/${id}`), ignored: ignored[i] }));
}

async function writeStates(tx: Tx, rows: readonly CommandRow[]): Promise<void> {
  if (rows.length === 0) return;
  const json = (value: unknown) => (value === null || value === undefined ? null : JSON.stringify(value));
  await tx.query(
    `update commands c set status = n.status, attempts = n.attempts, sent_at = n.sent_at, connection = n.connection,
       acknowledged_at = n.acknowledged_at, finished_at = n.finished_at, result = n.result,
       late_status = n.late_status, late_result = n.late_result, late_at = n.late_at
     from unnest($1::text[], $2::uuid[], $3::text[], $4::int[], $5::timestamptz[], $6::bigint[], $7::timestamptz[],
       $8::timestamptz[], $9::jsonb[], $10::text[], $11::jsonb[], $12::timestamptz[])
       as n (tenant, id, status, attempts, sent_at, connection, acknowledged_at, finished_at, result, late_status, late_result, late_at)
     where c.tenant = n.tenant and c.id = n.id`,
    [
      rows.map((r) => r.tenant),
      rows.map((r) => r.id),
      rows.map((r) => r.status),
      rows.map((r) => r.attempts),
      rows.map((r) => r.sent_at),
      rows.map((r) => r.connection),
      rows.map((r) => r.acknowledged_at),
      rows.map((r) => r.finished_at),
      rows.map((r) => json(r.result)),
      rows.map((r) => r.late_status),
      rows.map((r) => json(r.late_result)),
      rows.map((r) => r.late_at),
    ],
  );
}
