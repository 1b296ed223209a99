import type { ImportResult } from '../contracts/http/device-import.ts';
import { type Actor, auditMany } from './audit.ts';
import type { Core, Tx } from './database.ts';
import { recordChange } from './identity-changes.ts';
import { type Change, type Known, planImport, readRows } from './import-plan.ts';
import { refusing } from './registry.ts';

export type Imported = {
  items: ImportResult['items'];
  /** Devices were made, or have another type; gateways have something new to hear. */
  typesChanged: boolean;
  identitiesChanged: boolean;
};

/**
 * Devices of one call, in one transaction: the rows that can be done are done together, and each other row says why
 * nothing of it was. Registry, audit lines and identity changes agree at every moment.
 * @throws ProblemError 409 when the tenant's quota does not hold all that are new: then nothing was done.
 */
export async function importDevices(
  core: Core,
  actor: Actor,
  rows: readonly unknown[],
  existing: 'refuse' | 'update',
): Promise<Imported> {
  const { read, items: unread } = readRows(rows);
  return await refusing(actor.tenant, '', () =>
    core.transaction(async (tx) => {
      const known = await lockKnown(
        tx,
        actor.tenant,
        read.map(({ record }) => record.id),
      );
      const types = await knownTypes(tx, actor.tenant);
      const { changes, items } = planImport(read, known, types, existing);
      const made = changes.filter(({ before }) => before === undefined);
      const changed = changes.filter(({ before }) => before !== undefined);
      const raced = await create(tx, actor.tenant, made);
      await update(tx, actor.tenant, changed);
      const done = changes.filter(({ after }) => !raced.has(after.id));
      await auditMany(tx, actor, done.map(lineOf));
      const identities = done.filter(isIdentityChange);
      for (const { after } of identities) {
        const change = after.status === 'blocked' ? 'blocked' : 'unblocked';
        await recordChange(tx, { tenant: actor.tenant, device: after.id, change, serial: null });
      }
      const answered = items.map((item) =>
        item.id !== null && raced.has(item.id)
          ? {
              ...item,
              result: 'conflict' as const,
              reason: 'id: somebody else registered it just now; import it again',
            }
          : item,
      );
      return {
        items: [...unread, ...answered].sort((a, b) => a.row - b.row),
        typesChanged: done.some(({ before, after }) => before?.type !== after.type),
        identitiesChanged: identities.length > 0,
      };
    }),
  );
}

const isIdentityChange = ({ before, after }: Change) => (before?.status ?? 'active') !== after.status;

async function lockKnown(tx: Tx, tenant: string, ids: readonly string[]): Promise<Map<string, Known>> {
  // By id, so that two imports of the same devices wait for each other instead of for ever.
  const rows = await tx.query<Known>(
    'select id, name, type, tags, status from devices where tenant = $1 and id = any($2) order by id for update',
    [tenant, ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

async function knownTypes(tx: Tx, tenant: string): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>('select id from device_types where tenant = $1', [tenant]);
  return new Set(rows.map(({ id }) => id));
}

/** @returns ids that somebody else took since they were looked for. */
async function create(tx: Tx, tenant: string, changes: readonly Change[]): Promise<Set<string>> {
  if (changes.length === 0) return new Set();
  const rows = await tx.query<{ id: string }>(
    `insert into devices (tenant, id, name, type, tags, status, blocked_reason)
     select $1, id, name, type, tags, status, reason from jsonb_to_recordset($2::jsonb)
       as d (id text, name text, type text, tags text[], status text, reason text) order by id
     on conflict (tenant, id) do nothing returning id`,
    [tenant, recordsOf(changes)],
  );
  const made = new Set(rows.map(({ id }) => id));
  return new Set(changes.map(({ after }) => after.id).filter((id) => !made.has(id)));
}

async function update(tx: Tx, tenant: string, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  // A device that is blocked already keeps its first reason.
  await tx.query(
    `update devices d set name = i.name, type = i.type, tags = i.tags, status = i.status, updated_at = now(),
       blocked_reason = case when i.status = 'active' then null else coalesce(d.blocked_reason, i.reason) end
     from jsonb_to_recordset($2::jsonb) as i (id text, name text, type text, tags text[], status text, reason text)
     where d.tenant = $1 and d.id = i.id`,
    [tenant, recordsOf(changes)],
  );
}

const recordsOf = (changes: readonly Change[]) =>
  JSON.stringify(
    changes.map(({ after, reason }) => ({ ...after, reason: after.status === 'blocked' ? reason : null })),
  );

function lineOf({ before, after }: Change) {
  const shown = ({ name, type, tags, status }: Known) => ({ name, type, tags, status });
  return {
    action: before === undefined ? ('device.create' as const) : ('device.update' as const),
    target: after.id,
    before: before && shown(before),
    after: shown(after),
  };
}
