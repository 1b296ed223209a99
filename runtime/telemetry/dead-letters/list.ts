import { z } from 'zod';
import type { DeadLetterSummary } from '../../contracts/http/dead-letters.ts';
import { instantMs } from '../../contracts/http/operation.ts';
import type { DeadLetterReason, DeadLetterStatus } from '../../contracts/telemetry.ts';
import { decodeCursor, encodeCursor, MicroTime } from '../../platform/http/cursor.ts';
import { mergeSorted, newestFirst } from '../merge.ts';
import { degradedBy, type Stores } from '../stores.ts';
import { type LetterRow, letterColumns, toDeadLetter } from './row.ts';

const Place = z.strictObject({ at: MicroTime, id: z.string().min(1).max(128) });

export type Filter = {
  reason?: string | undefined;
  device?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
};
type ListFilter = Filter & {
  status?: string | undefined;
  batch?: string | undefined;
  cursor?: string | undefined;
  limit: number;
};

/** Conditions of a filter; each value is a parameter, added to `values`. */
export function conditionsOf(filter: Filter, values: unknown[]): string[] {
  const time = (text: string) => `$${values.push(new Date(instantMs(text)).toISOString())}::timestamptz`;
  const where: string[] = [];
  if (filter.reason !== undefined) where.push(`reason = $${values.push(filter.reason)}`);
  if (filter.device !== undefined) where.push(`device_id = $${values.push(filter.device)}`);
  if (filter.from !== undefined) where.push(`created_at >= ${time(filter.from)}`);
  if (filter.to !== undefined) where.push(`created_at < ${time(filter.to)}`);
  return where;
}

/** Newest first over all shards; a shard that did not answer is named. */
export async function listDeadLetters(stores: Stores, tenant: string, filter: ListFilter) {
  const place = decodeCursor(Place, filter.cursor);
  const values: unknown[] = [tenant, filter.limit + 1];
  const where = ['tenant = $1', ...conditionsOf(filter, values)];
  // The statuses that have an index of their own are written out: a parameter would hide them from the planner.
  if (filter.status === 'open') where.push("status = 'open'");
  else if (filter.status !== undefined) where.push(`status = $${values.push(filter.status)}`);
  if (filter.batch !== undefined) where.push(`batch = $${values.push(filter.batch)}`);
  if (place !== undefined) {
    const at = `$${values.push(place.at)}::timestamptz`;
    where.push(`created_at <= ${at} and (created_at < ${at} or id > $${values.push(place.id)})`);
  }
  const text = `select ${letterColumns} from dead_letters where ${where.join(' and ')} order by created_at desc, id limit $2`;
  const { results, missing } = await stores.all((ask) => ask<LetterRow>(text, values));
  const rows = mergeSorted([...results.values()], newestFirst, filter.limit + 1);
  const shown = rows.slice(0, filter.limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toDeadLetter),
    next: rows.length > filter.limit && last !== undefined ? encodeCursor({ at: last.at, id: last.id }) : null,
    ...degradedBy([], stores.degraded(missing)),
  };
}

type Count = { status: DeadLetterStatus; reason: DeadLetterReason; n: string; oldest: Date };

/** Numbers by status over all shards, of one bulk action or of all there is. */
export async function countDeadLetters(
  stores: Stores,
  tenant: string,
  batch: string | undefined,
): Promise<DeadLetterSummary> {
  const values: unknown[] = batch === undefined ? [tenant] : [tenant, batch];
  const text = `select status, reason, count(*) as n, min(created_at) as oldest from dead_letters
    where tenant = $1 ${batch === undefined ? '' : 'and batch = $2'} group by status, reason`;
  const { results, missing } = await stores.all((ask) => ask<Count>(text, values));
  const counts = [...results.values()].flat();
  const sum = (pick: (one: Count) => boolean) => counts.filter(pick).reduce((n, one) => n + Number(one.n), 0);
  const open = counts.filter((one) => one.status === 'open');
  const oldest = Math.min(...open.map((one) => one.oldest.getTime()));
  return {
    open: sum((one) => one.status === 'open'),
    replaying: sum((one) => one.status === 'replaying'),
    replayed: sum((one) => one.status === 'replayed'),
    discarded: sum((one) => one.status === 'discarded'),
    oldestOpenAt: Number.isFinite(oldest) ? new Date(oldest).toISOString() : null,
    reasons: [...new Set(open.map((one) => one.reason))]
      .sort()
      .map((reason) => ({ reason, open: sum((one) => one.status === 'open' && one.reason === reason) })),
    ...degradedBy([], stores.degraded(missing)),
  };
}
