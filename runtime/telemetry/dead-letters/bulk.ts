import type { BulkResult } from '../../contracts/http/dead-letters.ts';
import { degradedBy, type Stores } from '../stores.ts';
import { conditionsOf, type Filter } from './list.ts';
import { letterIdOf } from './row.ts';

export type Bulk = { filter: Filter; batch: string; limit: number };
export type BulkDone = { result: BulkResult; ids: string[] };

/** Beyond it `remaining` says no more than that there are so many. */
const mostCounted = 10_000;

/** The letters of a call are asked for together; each processor takes them as it can. */
export async function replayDeadLetters(stores: Stores, tenant: string, bulk: Bulk, by: string): Promise<BulkDone> {
  return await takeLetters(stores, tenant, bulk, by, { status: 'replaying', outcome: null });
}

export async function discardDeadLetters(
  stores: Stores,
  tenant: string,
  { because, ...bulk }: Bulk & { because: string },
  by: string,
): Promise<BulkDone> {
  const outcome = JSON.stringify({ result: 'discarded', because });
  return await takeLetters(stores, tenant, bulk, by, { status: 'discarded', outcome });
}

/**
 * One call's share, oldest first, a statement a shard. A letter bears the batch that took it and is not taken again
 * under it, also when its replay failed and it is open again: so a caller who was cut off calls again and goes on, and
 * calling until nothing remains comes to an end.
 */
async function takeLetters(
  stores: Stores,
  tenant: string,
  { filter, batch, limit }: Bulk,
  by: string,
  to: { status: 'replaying' | 'discarded'; outcome: string | null },
): Promise<BulkDone> {
  const values: unknown[] = [tenant, batch];
  const found = ["tenant = $1 and status = 'open' and batch is distinct from $2", ...conditionsOf(filter, values)].join(
    ' and ',
  );
  const filtered = [...values];
  const place = (value: unknown) => `$${values.push(value)}`;
  const text = `
    with taken as (
      select tenant as t, id as i from dead_letters where ${found}
      order by created_at, id desc limit ${place(limit)} for update skip locked
    )
    update dead_letters set status = ${place(to.status)}, outcome = ${place(to.outcome)}::jsonb, batch = $2,
      version = version + 1, changed_by = ${place(by)}, changed_at = now()
    from taken where tenant = t and id = i returning tenant, device_id, id`;
  // Shard after shard, so that a call takes no more than `limit` in all.
  const ids: string[] = [];
  const limitAt = filtered.length;
  const missing: string[] = [];
  let remaining = 0;
  for (const name of stores.names()) {
    const ask = stores.of(name);
    try {
      if (ids.length < limit) {
        values[limitAt] = limit - ids.length;
        const rows = await ask<{ tenant: string; device_id: string; id: string }>(text, values);
        ids.push(...rows.map(letterIdOf));
      }
      const [left] = await ask<{ n: string }>(
        `select count(*) as n from (select 1 from dead_letters where ${found} limit ${mostCounted}) as l`,
        filtered,
      );
      remaining += Number(left?.n ?? 0);
    } catch (error) {
      if (!isAway(error)) throw error;
      missing.push(name);
    }
  }
  const result = {
    batch,
    changed: ids.length,
    remaining: Math.min(remaining, mostCounted),
    ...degradedBy([], stores.degraded(missing)),
  };
  return { result, ids };
}

/** A shard that is away leaves its letters for a later call; the answer names it. */
const isAway = (error: unknown) => (error as { status?: unknown }).status === 503;
