import { randomUUID } from 'node:crypto';
import { commandBounds } from '../../contracts/commands.ts';
import type { NewCommand } from '../../contracts/http/commands.ts';
import { sameJson } from '../../contracts/json.ts';
import { problem } from '../../platform/http/problem.ts';
import { type Actor, audit } from '../audit.ts';
import type { Core, Tx } from '../database.ts';
import { recordDeliveries } from '../deliveries/changes.ts';
import { findDevice } from '../registry.ts';
import { type CommandRow, commandColumns, openCommands } from './rows.ts';

export type Sending = { device: string; command: NewCommand; key: string | undefined; now: number };

/**
 * Queues a command: row, audit line and word to the gateways in one transaction. One device's commands are queued one
 * after the other, which gives them their order and its queue its bound.
 * @returns the command, and whether it is new: the same idempotency key gives what the first request made.
 * @throws ProblemError 404; 409 for a key that was used for another command; 422 when the queue is full.
 */
export async function sendCommand(
  core: Core,
  actor: Actor,
  { device, command, key, now }: Sending,
): Promise<{ row: CommandRow; made: boolean }> {
  return await core.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`command/${actor.tenant}/${device}`]);
    await findDevice(tx, actor.tenant, device);
    const known = key === undefined ? undefined : await findByKey(tx, actor.tenant, device, key);
    if (known !== undefined) return { row: requireSame(known, command), made: false };
    await requireRoom(tx, actor.tenant, device);
    const [row] = await tx.query<CommandRow>(
      `insert into commands (tenant, id, device_id, name, payload, status, timeout_seconds, idempotency_key, subject, trace,
         created_at, deadline)
       values ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $9, $10, $11) returning ${commandColumns}`,
      [
        actor.tenant,
        randomUUID(),
        device,
        command.name,
        JSON.stringify(command.payload ?? null),
        command.timeoutSeconds,
        key ?? null,
        actor.subject,
        actor.trace,
        new Date(now),
        new Date(now + command.timeoutSeconds * 1_000),
      ],
    );
    if (row === undefined) throw new Error('a command was not written');
    const { id, name, payload, timeout_seconds: timeoutSeconds } = row;
    await audit(tx, actor, 'command.send', device, { after: { id, name, payload, timeoutSeconds } });
    await recordDeliveries(tx, actor.tenant, [device]);
    return { row, made: true };
  });
}

async function findByKey(tx: Tx, tenant: string, device: string, key: string): Promise<CommandRow | undefined> {
  const [row] = await tx.query<CommandRow>(
    `select ${commandColumns} from commands where tenant = $1 and device_id = $2 and idempotency_key = $3`,
    [tenant, device, key],
  );
  return row;
}

function requireSame(row: CommandRow, command: NewCommand): CommandRow {
  if (
    row.name === command.name &&
    row.timeout_seconds === command.timeoutSeconds &&
    sameJson(row.payload, command.payload ?? null)
  )
    return row;
  throw keyUsed(`command ${row.id}`);
}

export const keyUsed = (what: string) =>
  problem(409, 'Idempotency key used', `this Idempotency-Key made ${what}, with another body; take a new key`);

async function requireRoom(tx: Tx, tenant: string, device: string): Promise<void> {
  const [open] = await tx.query<{ count: string }>(
    `select count(*) from commands where tenant = $1 and device_id = $2 and ${openCommands}`,
    [tenant, device],
  );
  if (Number(open?.count) < commandBounds.openPerDevice) return;
  throw problem(
    422,
    'Queue full',
    `device '${device}' has ${open?.count} commands that are not finished, allowed are ${commandBounds.openPerDevice}; cancel some, or wait`,
  );
}
