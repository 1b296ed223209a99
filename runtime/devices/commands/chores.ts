import type { Core } from '../database.ts';
import { applyToCommands } from './events.ts';
import { type CommandRow, openCommands } from './rows.ts';

const chunk = 500;
/** An answer that the gateway took in time may still be on the bus. */
const graceMs = 5_000;
const keepDays = 30;

/** Ends what is overdue. @returns the commands that ended; as many as `chunk` means that there may be more. */
export async function expireCommands(core: Core, now: number): Promise<{ ended: CommandRow[]; more: boolean }> {
  const overdue = await core.query<{ tenant: string; id: string; device_id: string }>(
    `select tenant, id, device_id from commands where deadline < $1 and ${openCommands} order by deadline limit $2`,
    [new Date(now - graceMs), chunk],
  );
  if (overdue.length === 0) return { ended: [], more: false };
  const event = { type: 'expire' } as const;
  const outcomes = await core.transaction((tx) =>
    applyToCommands(
      tx,
      overdue.map(({ tenant, id, device_id: device }) => ({ tenant, id, device, event })),
      now,
    ),
  );
  const ended = outcomes.flatMap(({ row, ignored }) => (row === undefined || ignored !== undefined ? [] : [row]));
  return { ended, more: overdue.length === chunk };
}

/** Forgets what ended long ago, and jobs without commands. @returns how many commands went; at most `limit`. */
export async function forgetCommands(core: Pick<Core, 'query'>, limit = 5_000): Promise<number> {
  const gone = await core.query(
    `delete from commands where (tenant, id) in (
       select tenant, id from commands where finished_at < now() - make_interval(days => $1) order by finished_at limit $2)
     returning 1`,
    [keepDays, limit],
  );
  await core.query(
    `delete from command_jobs j where finished_at < now() - make_interval(days => $1)
       and not exists (select 1 from commands c where c.tenant = j.tenant and c.job_id = j.id)`,
    [keepDays],
  );
  return gone.length;
}
