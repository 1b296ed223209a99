import { z } from 'zod';
import type { CommandStatus } from '../../contracts/commands.ts';
import { decodeCursor, toPage } from '../../platform/http/cursor.ts';
import { problem } from '../../platform/http/problem.ts';
import { type Actor, audit } from '../audit.ts';
import type { Core, Tx } from '../database.ts';
import { findDevice } from '../registry.ts';
import { applyToCommands } from './events.ts';
import { type CommandRow, commandColumns, toCommand } from './rows.ts';

const Place = z.strictObject({ seq: z.string().regex(/^\d{1,18}$/) });
type Listing = { status?: CommandStatus | undefined; cursor?: string | undefined; limit: number };

/** @throws ProblemError 404 */
export async function findCommand(tx: Tx, tenant: string, device: string, id: string): Promise<CommandRow> {
  const [row] = await tx.query<CommandRow>(
    `select ${commandColumns} from commands where tenant = $1 and id = $2 and device_id = $3`,
    [tenant, id, device],
  );
  if (row === undefined) throw problem(404, 'No such command', `device '${device}' has no command '${id}'`);
  return row;
}

/** @throws ProblemError 404 for a device that does not exist */
export async function listCommands(core: Core, tenant: string, device: string, listing: Listing) {
  await findDevice(core, tenant, device);
  return await listWhere(core, tenant, { column: 'device_id', value: device }, listing);
}

/** A page of one device's or one job's commands, newest first. */
export async function listWhere(
  core: Core,
  tenant: string,
  { column, value }: { column: 'device_id' | 'job_id'; value: string },
  { status, cursor, limit }: Listing,
) {
  const before = decodeCursor(Place, cursor)?.seq;
  const rows = await core.query<CommandRow>(
    `select ${commandColumns} from commands
     where tenant = $1 and ${column} = $2 and ($3::text is null or status = $3) and ($4::bigint is null or seq < $4)
     order by seq desc limit $5`,
    [tenant, value, status ?? null, before ?? null, limit + 1],
  );
  return toPage(rows, limit, toCommand, (row) => ({ seq: row.seq }));
}

/** @throws ProblemError 404; 409 for a command that has ended */
export async function cancelCommand(
  core: Core,
  actor: Actor,
  device: string,
  id: string,
  now: number,
): Promise<CommandRow> {
  return await core.transaction(async (tx) => {
    const before = await findCommand(tx, actor.tenant, device, id);
    const event = { type: 'cancel' } as const;
    const [outcome] = await applyToCommands(tx, [{ tenant: actor.tenant, device, id, event }], now);
    const row = outcome?.row ?? before;
    if (outcome?.ignored !== undefined && row.status !== 'cancelled')
      throw problem(
        409,
        'Command has ended',
        `command '${id}' is ${row.status}; only what is not finished is cancelled`,
      );
    if (outcome?.ignored === undefined)
      await audit(tx, actor, 'command.cancel', device, {
        before: { id, status: before.status },
        after: { status: row.status },
      });
    return row;
  });
}
