import { z } from 'zod';
import { DeviceType } from '../contracts/device-type.ts';
import { DeviceTypeId } from '../contracts/identifiers.ts';
import { decodeCursor, toPage } from '../platform/http/cursor.ts';
import { problem } from '../platform/http/problem.ts';
import { type Actor, audit } from './audit.ts';
import type { Core } from './database.ts';
import { deviceTypeProblems } from './type-checks.ts';

/** Types of one tenant; the processor keeps them all compiled. */
const mostTypes = 1_000;

type Row = { id: string; definition: unknown };
const Place = z.strictObject({ id: DeviceTypeId });

export async function listDeviceTypes(
  core: Core,
  tenant: string,
  page: { cursor?: string | undefined; limit: number },
) {
  const after = decodeCursor(Place, page.cursor)?.id ?? '';
  const rows = await core.query<Row>(
    'select id, definition from device_types where tenant = $1 and id > $2 order by id limit $3',
    [tenant, after, page.limit + 1],
  );
  return toPage(rows, page.limit, toType, (row) => ({ id: row.id }));
}

/** @throws ProblemError 404 */
export async function getDeviceType(core: Core, tenant: string, id: string): Promise<DeviceType> {
  const [row] = await core.query<Row>('select id, definition from device_types where tenant = $1 and id = $2', [
    tenant,
    id,
  ]);
  if (row === undefined)
    throw problem(404, 'No such device type', `there is no device type '${id}' in tenant '${tenant}'`);
  return toType(row);
}

/** Creates or replaces a type; its version rises with each change. @throws ProblemError 422 with every problem */
export async function putDeviceType(core: Core, actor: Actor, id: string, type: DeviceType): Promise<DeviceType> {
  const errors = deviceTypeProblems(type, id);
  const [first] = errors;
  if (first !== undefined) throw problem(422, 'Device type refused', `${first.field}: ${first.message}`, { errors });
  return await core.transaction(async (tx) => {
    const [before] = await tx.query<Row>(
      'select id, definition from device_types where tenant = $1 and id = $2 for update',
      [actor.tenant, id],
    );
    if (before === undefined) {
      const [have] = await tx.query<{ count: string }>('select count(*) from device_types where tenant = $1', [
        actor.tenant,
      ]);
      if (Number(have?.count ?? 0) >= mostTypes)
        throw problem(422, 'Too many device types', `tenant '${actor.tenant}' has ${mostTypes}, no more are allowed`);
    }
    await tx.query(
      `insert into device_types (tenant, id, definition) values ($1, $2, $3)
       on conflict (tenant, id) do update
       set definition = excluded.definition, version = device_types.version + 1, updated_at = now()`,
      [actor.tenant, id, JSON.stringify(type)],
    );
    await audit(tx, actor, 'device-type.put', id, { before: before?.definition, after: type });
    return type;
  });
}

/** What is stored was valid when it was stored; a field that came later takes its default. */
function toType(row: Row): DeviceType {
  return DeviceType.parse(row.definition);
}
