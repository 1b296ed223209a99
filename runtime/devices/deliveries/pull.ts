import {
  type Deliveries,
  type DeliveriesReceived,
  type Delivery,
  type DeliveryAsk,
  deliveryBounds,
} from '../../contracts/deliveries.ts';
import { applyToCommands, type Outcome } from '../commands/events.ts';
import { type CommandRow, commandColumns, openCommands } from '../commands/rows.ts';
import type { Core } from '../database.ts';
import type { TwinDocuments } from '../twin/documents.ts';

/** A command that its device has not confirmed is sent again on the same connection after this. */
const resendMs = 30_000;
/** Documents read at a time for one gateway. */
const readsAtOnce = 16;

/**
 * What these devices have to get on the connections that their gateway names. Commands count as sent with this answer:
 * those sent on an older connection are given again, those of a newer connection are that one's, which its gateway holds.
 */
export async function pullDeliveries(
  parts: { core: Core; twins: TwinDocuments },
  asks: readonly DeliveryAsk[],
  now: number,
): Promise<Deliveries> {
  const commands = await takeCommands(parts.core, asks, now);
  let bytes = 0;
  const devices = await mapAtOnce(asks, readsAtOnce, async (ask, i): Promise<Delivery> => {
    const own = commands[i] ?? [];
    const told = own.slice(0, ask.commands).map(toDelivered);
    // Commands were marked as sent, so they go in any case; a document that does not fit is asked for again.
    bytes += told.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(told));
    const config = ask.config === null ? null : await newConfig(parts.twins, ask, ask.config);
    const size = config === null ? 0 : Buffer.byteLength(JSON.stringify(config.desired));
    const fits = size === 0 || bytes + size <= deliveryBounds.answerBytes;
    if (fits) bytes += size;
    return { config: fits ? config : null, commands: told, more: own.length > ask.commands, later: !fits };
  });
  return { devices };
}

async function newConfig(twins: TwinDocuments, { tenant, device }: DeliveryAsk, known: number) {
  const { version, updatedAt, document } = await twins.desired(tenant, device);
  return version > known && updatedAt !== null ? { version, updatedAt, desired: document } : null;
}

/** Of each device its next commands in order and, as a sign that there is more, one beyond. */
async function takeCommands(core: Core, asks: readonly DeliveryAsk[], now: number): Promise<CommandRow[][]> {
  const candidates = await core.query<CommandRow & { n: string }>(
    `select d.n, c.* from unnest($1::text[], $2::text[], $3::bigint[], $4::int[]) with ordinality
       as d (tenant, device, connection, room, n)
     cross join lateral (
       select ${commandColumns} from commands c
       where c.tenant = d.tenant and c.device_id = d.device and c.${openCommands} and c.deadline > $5
         and (c.connection is null or c.connection < d.connection
              or (c.connection = d.connection and c.status = 'sent' and c.sent_at < $6))
       order by c.seq limit d.room + 1
     ) c where d.room > 0 order by d.n, c.seq`,
    [
      asks.map((a) => a.tenant),
      asks.map((a) => a.device),
      asks.map((a) => a.connection),
      asks.map((a) => a.commands),
      new Date(now),
      new Date(now - resendMs),
    ],
  );
  const found = asks.map((_, i) => candidates.filter((row) => Number(row.n) === i + 1));
  const taken = found.flatMap((rows, i) => rows.slice(0, asks[i]?.commands));
  if (taken.length === 0) return found;
  const connectionOf = (row: { n: string }) => asks[Number(row.n) - 1]?.connection ?? 0;
  const happenings = taken.map((row) => ({
    tenant: row.tenant,
    device: row.device_id,
    id: row.id,
    event: { type: 'sent' as const, connection: connectionOf(row) },
  }));
  const outcomes = await core.transaction((tx) => applyToCommands(tx, happenings, now));
  const sent = new Set(outcomes.flatMap(({ row, ignored }) => (row && ignored === undefined ? [row.id] : [])));
  return found.map((rows, i) => rows.filter((row, place) => place >= (asks[i]?.commands ?? 0) || sent.has(row.id)));
}

const toDelivered = (row: CommandRow): Delivery['commands'][number] => ({
  id: row.id,
  name: row.name,
  deadline: row.deadline.getTime(),
  payload: row.payload,
});

/** Devices have confirmed these commands. */
export async function receiveCommands(core: Core, { commands }: DeliveriesReceived, now: number): Promise<Outcome[]> {
  const event = { type: 'received' } as const;
  return await core.transaction((tx) =>
    applyToCommands(
      tx,
      commands.map((command) => ({ ...command, event })),
      now,
    ),
  );
}

/** `Promise.all` of `work`, few at a time. */
export async function mapAtOnce<T, R>(
  items: readonly T[],
  most: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T, i);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}
