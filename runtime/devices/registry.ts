import { z } from 'zod';
import type { NewDevice } from '../contracts/http/devices.ts';
import { DeviceId } from '../contracts/identifiers.ts';
import { decodeCursor, toPage } from '../platform/http/cursor.ts';
import { problem } from '../platform/http/problem.ts';
import { type Actor, audit } from './audit.ts';
import type { Core, Tx } from './database.ts';
import { auditedDevice, type DeviceRow, deviceColumns } from './device-row.ts';

export type DeviceFilter = {
  search?: string | undefined;
  tag?: string | undefined;
  type?: string | undefined;
  status?: string | undefined;
  cursor?: string | undefined;
  limit: number;
};
export type DevicePatch = { name?: string | undefined; type?: string | undefined; tags?: string[] | undefined };

const Place = z.strictObject({ id: DeviceId });

/** Text for `like`: its wildcards stand for themselves. */
export function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&');
}

/** The query of a listing; every value is a parameter, every row is the tenant's. */
export function listQuery(tenant: string, filter: DeviceFilter, after: string | undefined) {
  const values: unknown[] = [tenant];
  const where = ['tenant = $1'];
  const add = (condition: (place: string) => string, value: unknown) => {
    values.push(value);
    where.push(condition(`$${values.length}`));
  };
  if (filter.search !== undefined)
    add((v) => `lower(id || ' ' || name) like '%' || lower(${v}) || '%'`, escapeLike(filter.search));
  if (filter.tag !== undefined) add((v) => `tags @> array[${v}]`, filter.tag);
  if (filter.type !== undefined) add((v) => `type = ${v}`, filter.type);
  if (filter.status !== undefined) add((v) => `status = ${v}`, filter.status);
  if (after !== undefined) add((v) => `id > ${v}`, after);
  values.push(filter.limit + 1);
  return {
    text: `select ${deviceColumns} from devices where ${where.join(' and ')} order by id limit $${values.length}`,
    values,
  };
}

export async function listDevices(core: Core, tenant: string, filter: DeviceFilter) {
  const after = decodeCursor(Place, filter.cursor)?.id;
  const query = listQuery(tenant, filter, after);
  const rows = await core.query<DeviceRow>(query.text, query.values);
  return toPage(
    rows,
    filter.limit,
    (row) => row,
    (row) => ({ id: row.id }),
  );
}

/** @throws ProblemError 404 */
export async function findDevice(tx: Tx, tenant: string, id: string, lock: '' | 'for update' | 'for share' = '') {
  const [row] = await tx.query<DeviceRow>(
    `select ${deviceColumns} from devices where tenant = $1 and id = $2 ${lock}`,
    [tenant, id],
  );
  if (row === undefined) throw problem(404, 'No such device', `there is no device '${id}' in tenant '${tenant}'`);
  return row;
}

/** @throws ProblemError 409 for an id that exists or a quota that is used up, 422 for a type that does not. */
export async function createDevice(core: Core, actor: Actor, device: NewDevice): Promise<DeviceRow> {
  return await refusing(actor.tenant, device.type, () =>
    core.transaction(async (tx) => {
      const row = await insertDevice(tx, actor, device);
      if (row === undefined)
        throw problem(409, 'Device exists', `device '${device.id}' is registered already; PATCH changes it`);
      return row;
    }),
  );
}

/** Registers a device in a transaction that does more. @returns undefined for an id that exists. */
export async function insertDevice(tx: Tx, actor: Actor, device: NewDevice): Promise<DeviceRow | undefined> {
  const [row] = await tx.query<DeviceRow>(
    `insert into devices (tenant, id, name, type, tags) values ($1, $2, $3, $4, $5)
     on conflict (tenant, id) do nothing returning ${deviceColumns}`,
    [actor.tenant, device.id, device.name ?? device.id, device.type, distinct(device.tags)],
  );
  if (row !== undefined) await audit(tx, actor, 'device.create', device.id, { after: auditedDevice(row) });
  return row;
}

/**
 * @returns the device, and whether it has another type than before.
 * @throws ProblemError 404, 422 for a type that does not exist.
 */
export async function updateDevice(
  core: Core,
  actor: Actor,
  id: string,
  patch: DevicePatch,
): Promise<{ row: DeviceRow; retyped: boolean }> {
  return await refusing(actor.tenant, patch.type ?? '', () =>
    core.transaction(async (tx) => {
      const before = await findDevice(tx, actor.tenant, id, 'for update');
      const after = {
        name: patch.name ?? before.name,
        type: patch.type ?? before.type,
        tags: patch.tags === undefined ? before.tags : distinct(patch.tags),
      };
      const [row] = await tx.query<DeviceRow>(
        `update devices set name = $3, type = $4, tags = $5, updated_at = now()
         where tenant = $1 and id = $2 returning ${deviceColumns}`,
        [actor.tenant, id, after.name, after.type, after.tags],
      );
      if (row === undefined) throw new Error(`device ${id} vanished while it was locked`);
      await audit(tx, actor, 'device.update', id, { before: auditedDevice(before), after: auditedDevice(row) });
      return { row, retyped: row.type !== before.type };
    }),
  );
}

/** Devices of a tenant by number: all, blocked, and connected as far as the registry has heard. */
export async function countDevices(core: Core, tenant: string) {
  const [row] = await core.query<{ devices: string; blocked: string; connected: string }>(
    `select count(*) as devices, count(*) filter (where status = 'blocked') as blocked,
            count(*) filter (where connected) as connected
     from devices where tenant = $1`,
    [tenant],
  );
  return {
    devices: Number(row?.devices ?? 0),
    blocked: Number(row?.blocked ?? 0),
    connected: Number(row?.connected ?? 0),
  };
}

const foreignKeyViolation = '23503';
/** Raised by the trigger that counts a tenant's devices; see migration 0007. */
export const overQuota = 'IQ001';

export async function refusing<T>(tenant: string, type: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, constraint, message } = error as { code?: string; constraint?: string; message: string };
    if (code === overQuota)
      throw problem(409, 'Quota used up', `${message}; who operates the platform can raise the quota`, {
        cause: error,
      });
    if (code !== foreignKeyViolation) throw error;
    if (constraint === 'devices_tenant_fkey')
      throw problem(422, 'No such tenant', `there is no tenant '${tenant}'`, { cause: error });
    throw problem(422, 'No such device type', `there is no device type '${type}'; GET /v1/device-types lists them`, {
      errors: [{ field: 'body.type', message: `no device type '${type}' exists` }],
      cause: error,
    });
  }
}

export function distinct(tags: readonly string[]): string[] {
  return [...new Set(tags)];
}
