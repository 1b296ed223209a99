import type { DeliveryChanges } from '../../contracts/deliveries.ts';
import type { Core, Tx } from '../database.ts';

/** Any number that no other advisory lock of the core database uses: 'dlch' in ASCII. */
const changeLock = 0x64_6c_63_68;

/**
 * Says that these devices have something to fetch, in the transaction that makes it true. The lock makes versions visible
 * in their own order (see `recordChange` in identity-changes.ts). Take it last.
 */
export async function recordDeliveries(tx: Tx, tenant: string, devices: readonly string[]): Promise<void> {
  if (devices.length === 0) return;
  await tx.query('select pg_advisory_xact_lock($1)', [changeLock]);
  await tx.query(
    `insert into delivery_changes (version, tenant, device_id)
     select (select coalesce(max(version), 0) from delivery_changes) + n, $1, device
     from unnest($2::text[]) with ordinality as d (device, n)`,
    [tenant, devices],
  );
}

/**
 * Changes after a version, in order, of all tenants. Without `after` the newest version alone. `complete` is false when
 * rows after it are gone already, or when the list has begun anew (a restored database): then only asking for every
 * device helps.
 */
export async function deliveryChangesAfter(
  core: Pick<Core, 'query'>,
  after: number | undefined,
  limit: number,
): Promise<DeliveryChanges> {
  const [ends] = await core.query<{ oldest: string | null; newest: string | null }>(
    'select min(version) as oldest, max(version) as newest from delivery_changes',
  );
  const oldest = Number(ends?.oldest ?? 1);
  const newest = Number(ends?.newest ?? 0);
  if (after === undefined || after > newest || after < oldest - 1)
    return { version: newest, complete: after === undefined, changes: [], more: false };
  const rows = await core.query<{ version: string; tenant: string; device_id: string }>(
    'select version, tenant, device_id from delivery_changes where version > $1 order by version limit $2',
    [after, limit + 1],
  );
  const changes = rows.slice(0, limit);
  return {
    version: Number(changes.at(-1)?.version ?? after),
    complete: true,
    changes: changes.map((row) => ({ tenant: row.tenant, device: row.device_id })),
    more: rows.length > limit,
  };
}

const keepMinutes = 60;

/** Forgets old changes, but the newest: versions count on from it. @returns how many went; at most `limit`. */
export async function compactDeliveries(core: Pick<Core, 'query'>, limit = 10_000): Promise<number> {
  const gone = await core.query(
    `delete from delivery_changes where version in (
       select version from delivery_changes
       where at < now() - make_interval(mins => $1) and version < (select max(version) from delivery_changes)
       order by version limit $2) returning 1`,
    [keepMinutes, limit],
  );
  return gone.length;
}
