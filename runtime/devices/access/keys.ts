import { type DeviceKey, mostKeys, type NewDeviceKey } from '../../contracts/http/access.ts';
import type { JwtAlgorithm, KeysData } from '../../contracts/identity.ts';
import { problem } from '../../platform/http/problem.ts';
import { type Actor, audit } from '../audit.ts';
import type { Core, Tx } from '../database.ts';
import { recordChange } from '../identity-changes.ts';
import { findDevice } from '../registry.ts';
import { KeyRefused, parseJwtKey } from './public-key.ts';

type Row = { id: string; algorithm: JwtAlgorithm; public_key: Buffer; expires_at: Date | null; created_at: Date };
const columns = 'id, algorithm, public_key, expires_at, created_at';

/** @throws ProblemError 404 */
export async function listKeys(core: Core, tenant: string, device: string): Promise<{ items: DeviceKey[] }> {
  await findDevice(core, tenant, device);
  return { items: (await keysOf(core, tenant, device)).map(toKey) };
}

/**
 * Adds a key beside the others, so that a device changes from one to the next without a gap. Keys that are over do not
 * count and go. @throws ProblemError 404, 409 (too many), 422 (no such key)
 */
export async function addKey(core: Core, actor: Actor, device: string, wanted: NewDeviceKey): Promise<DeviceKey> {
  const key = parsed(wanted.key);
  const ends = [key.expiresAt, wanted.expiresAt === undefined ? undefined : new Date(wanted.expiresAt)];
  const expiresAt = ends.filter((end) => end !== undefined).sort((a, b) => a.getTime() - b.getTime())[0] ?? null;
  if (expiresAt !== null && expiresAt.getTime() <= Date.now())
    throw refused(`the key is over since ${expiresAt.toISOString()}`);
  return await core.transaction(async (tx) => {
    await findDevice(tx, actor.tenant, device, 'for update');
    await tx.query('delete from device_keys where tenant = $1 and device_id = $2 and expires_at <= now()', [
      actor.tenant,
      device,
    ]);
    const [row] = await tx.query<Row>(
      `insert into device_keys (tenant, device_id, id, algorithm, public_key, expires_at) values ($1, $2, $3, $4, $5, $6)
       on conflict (tenant, device_id, id) do update set expires_at = excluded.expires_at returning ${columns}`,
      [actor.tenant, device, key.id, key.algorithm, key.spki, expiresAt],
    );
    if (row === undefined) throw new Error('a key was not recorded');
    if ((await publish(tx, actor.tenant, device)) > mostKeys)
      throw problem(409, 'Too many keys', `device '${device}' has ${mostKeys} keys; remove one first`);
    await audit(tx, actor, 'device-key.add', `${device}/${row.id}`, { after: toKey(row) });
    return toKey(row);
  });
}

/** @throws ProblemError 404 */
export async function removeKey(core: Core, actor: Actor, device: string, id: string): Promise<void> {
  await core.transaction(async (tx) => {
    await findDevice(tx, actor.tenant, device, 'for update');
    const [row] = await tx.query<Row>(
      `delete from device_keys where tenant = $1 and device_id = $2 and id = $3 returning ${columns}`,
      [actor.tenant, device, id],
    );
    if (row === undefined) throw problem(404, 'No such key', `device '${device}' has no key '${id}'`);
    await publish(tx, actor.tenant, device);
    await audit(tx, actor, 'device-key.remove', `${device}/${id}`, { before: toKey(row) });
  });
}

/** Tells the gateways all keys of the device as they are now. @returns how many */
async function publish(tx: Tx, tenant: string, device: string): Promise<number> {
  const rows = await keysOf(tx, tenant, device);
  const data: KeysData = {
    keys: rows.map(({ id, algorithm, public_key: spki, expires_at: end }) => ({
      id,
      algorithm,
      spki: spki.toString('base64'),
      expiresAt: end?.getTime() ?? null,
    })),
  };
  await recordChange(tx, { tenant, device, change: 'keys', serial: null, data });
  return rows.length;
}

const keysOf = (sql: Core | Tx, tenant: string, device: string) =>
  sql.query<Row>(`select ${columns} from device_keys where tenant = $1 and device_id = $2 order by created_at, id`, [
    tenant,
    device,
  ]);

function parsed(pem: string) {
  try {
    return parseJwtKey(pem);
  } catch (error) {
    if (!(error instanceof KeyRefused)) throw error;
    throw refused(error.message, error);
  }
}

const refused = (why: string, cause?: unknown) =>
  problem(422, 'Key refused', why, { errors: [{ field: 'body.key', message: why }], cause });

const toKey = (row: Row): DeviceKey => ({
  id: row.id,
  algorithm: row.algorithm,
  expiresAt: row.expires_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
});
