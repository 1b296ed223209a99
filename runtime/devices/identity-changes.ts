import { expiryMarginMs, type IdentityChange, type IdentityChanges } from '../contracts/http/index.ts';
import type { Core, Tx } from './database.ts';

/** Any number that no other advisory lock of the core database uses: 'idch' in ASCII. */
const changeLock = 0x69_64_63_68;

/**
 * Hands out the next version and writes the change, in the transaction that makes it true. The lock is held until that
 * transaction ends: versions become visible in their own order, so that a reader who has seen version n has seen all
 * before it. A sequence would not do: its numbers become visible in the order of commits. Take this lock last.
 */
export async function recordChange(
  tx: Tx,
  change: Pick<IdentityChange, 'tenant' | 'device' | 'change' | 'serial' | 'data'>,
): Promise<number> {
  await tx.query('select pg_advisory_xact_lock($1)', [changeLock]);
  const [row] = await tx.query<{ version: string }>(
    `insert into identity_changes (version, tenant, device_id, change, serial, data)
     select coalesce(max(version), 0) + 1, $1, $2, $3, $4, $5 from identity_changes returning version`,
    [
      change.tenant,
      change.device,
      change.change,
      change.serial,
      change.data === undefined ? null : JSON.stringify(change.data),
    ],
  );
  if (row === undefined) throw new Error('an identity change was not written');
  return Number(row.version);
}

/** Changes after a version, in order, of all tenants: gateways serve all. */
export async function changesAfter(
  core: Core,
  after: number,
  limit: number,
  kinds: readonly string[],
): Promise<IdentityChanges> {
  const rows = await core.query<{
    version: string;
    tenant: string;
    device_id: string;
    change: IdentityChange['change'];
    serial: string | null;
    at: Date;
    not_after: Date | null;
    data: unknown;
  }>(
    `select i.version, i.tenant, i.device_id, i.change, i.serial, i.at, i.data, c.not_after
     from identity_changes i left join certificates c on c.tenant = i.tenant and c.serial = i.serial
     where i.version > $1 and i.change = any ($3) order by i.version limit $2`,
    [after, limit + 1, kinds],
  );
  const changes = rows.slice(0, limit).map((row) => ({
    version: Number(row.version),
    tenant: row.tenant,
    device: row.device_id,
    change: row.change,
    serial: row.serial,
    at: row.at.getTime(),
    expiresAt: row.not_after?.getTime() ?? null,
    ...(row.data === null ? {} : { data: row.data }),
  }));
  return { version: changes.at(-1)?.version ?? after, changes, more: rows.length > limit };
}

/** A gateway that was away for longer may miss that a device was blocked and unblocked meanwhile, never its state. */
const keepAllDays = 7;

/**
 * Forgets changes that no reader needs, whatever version it has seen: what a newer one of the same kind replaces (a
 * block by an unblock, keys by keys, a CA's state by its next), and what is told of certificates that are over. The
 * newest row stays, whatever it is: versions count on from it.
 * @returns how many went; at most `limit`, the next turn takes the rest.
 */
export async function compactChanges(core: Core, limit = 10_000): Promise<number> {
  const gone = await core.query(
    `delete from identity_changes where version in (
       select i.version from (
         select *, max(version) over () as newest,
           max(version) over (partition by tenant, device_id,
             case change when 'unblocked' then 'blocked' else change end,
             case when change in ('certificate-revoked', 'factory-certificate', 'factory-authority') then serial end) as state
         from identity_changes
       ) i left join certificates c on c.tenant = i.tenant and c.serial = i.serial
       where i.at < now() - make_interval(days => $1) and i.version < i.newest
         and (i.version < i.state or (i.change in ('certificate-revoked', 'factory-certificate')
           and c.not_after < now() - make_interval(secs => $2)))
       order by i.version limit $3) returning 1`,
    [keepAllDays, expiryMarginMs / 1_000, limit],
  );
  return gone.length;
}
