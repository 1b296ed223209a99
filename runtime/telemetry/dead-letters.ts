import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { instantMs } from '../contracts/http/operation.ts';
import type { DeadLetter } from '../contracts/http/telemetry.ts';
import { decodeCursor, encodeCursor, MicroTime, microTime } from '../platform/http/cursor.ts';
import { mergeSorted, newestFirst } from './merge.ts';
import { degradedBy, type Stores } from './stores.ts';

/** Payloads of one page; a page ends early rather than hold 500 times 256 KiB. */
export const pageBytes = 4 * 1024 * 1024;

type Key = { id: string; at: string; bytes: number; database: string };
type Row = {
  id: string;
  device_id: string;
  reason: DeadLetter['reason'];
  detail: string;
  payload: Buffer;
  subfolder: string;
  message: string;
  received_at: Date;
  created_at: Date;
};
const Place = z.strictObject({ at: MicroTime, id: z.string().min(1).max(128) });

export type DeadLetterFilter = {
  reason?: string | undefined;
  device?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  cursor?: string | undefined;
  limit: number;
};

/**
 * Newest first over all shards. Keys and sizes come first, payloads only of what the page shows: memory is bounded by
 * `pageBytes`, not by what devices sent.
 */
export async function listDeadLetters(stores: Stores, tenant: string, filter: DeadLetterFilter) {
  const place = decodeCursor(Place, filter.cursor);
  const { text, values } = keysQuery(tenant, filter, place);
  const { results, missing } = await stores.all(async (ask, database) => {
    const rows = await ask<{ id: string; at: string; bytes: number }>(text, values);
    return rows.map((row): Key => ({ ...row, database }));
  });
  const keys = mergeSorted([...results.values()], newestFirst, filter.limit + 1);
  const shown = keys.slice(0, Math.min(filter.limit, within(keys, pageBytes)));
  const bodies = await stores.all(async (ask, database) => {
    const ids = shown.filter((key) => key.database === database).map((key) => key.id);
    return ids.length === 0 ? [] : await ask<Row>(rowsQuery, [tenant, ids]);
  });
  const found = new Map([...bodies.results.values()].flat().map((row) => [row.id, row]));
  const last = shown.at(-1);
  return {
    items: shown.flatMap((key) => {
      const row = found.get(key.id);
      return row === undefined ? [] : [toDeadLetter(row)];
    }),
    next: keys.length > shown.length && last !== undefined ? encodeCursor({ at: last.at, id: last.id }) : null,
    ...degradedBy([], stores.degraded([...new Set([...missing, ...bodies.missing])])),
  };
}

function keysQuery(tenant: string, filter: DeadLetterFilter, place: z.infer<typeof Place> | undefined) {
  const values: unknown[] = [tenant, filter.limit + 1];
  const where = ['tenant = $1'];
  const time = (text: string) => `$${values.push(new Date(instantMs(text)).toISOString())}::timestamptz`;
  if (filter.reason !== undefined) where.push(`reason = $${values.push(filter.reason)}`);
  if (filter.device !== undefined) where.push(`device_id = $${values.push(filter.device)}`);
  if (filter.from !== undefined) where.push(`created_at >= ${time(filter.from)}`);
  if (filter.to !== undefined) where.push(`created_at < ${time(filter.to)}`);
  if (place !== undefined) {
    const at = `$${values.push(place.at)}::timestamptz`;
    where.push(`created_at <= ${at} and (created_at < ${at} or id > $${values.push(place.id)})`);
  }
  return {
    text: `select id, ${microTime('created_at')} as at, octet_length(payload) as bytes from dead_letters
           where ${where.join(' and ')} order by created_at desc, id limit $2`,
    values,
  };
}

const rowsQuery = `select id, device_id, reason, detail, payload, subfolder, message, received_at, created_at
  from dead_letters where tenant = $1 and id = any($2)`;

/** How many of the first items fit into `budget`; at least one, or a page would never end. */
export function within(items: readonly { bytes: number }[], budget: number): number {
  let sum = 0;
  for (const [i, item] of items.entries()) {
    sum += item.bytes;
    if (sum > budget) return Math.max(1, i);
  }
  return items.length;
}

/** Payload as text where it is text, else base64. */
export function shownPayload(payload: Buffer): Pick<DeadLetter, 'payload' | 'encoding'> {
  return isUtf8(payload)
    ? { payload: payload.toString('utf8'), encoding: 'utf8' }
    : { payload: payload.toString('base64'), encoding: 'base64' };
}

function toDeadLetter(row: Row): DeadLetter {
  return {
    id: row.id,
    device: row.device_id,
    reason: row.reason,
    detail: row.detail,
    ...shownPayload(row.payload),
    subfolder: row.subfolder,
    message: row.message,
    receivedAt: row.received_at.toISOString(),
    createdAt: row.created_at.toISOString(),
  };
}
