import type { DeviceAccess } from '../../contracts/http/access.ts';
import { problem } from '../../platform/http/problem.ts';
import { type Actor, audit } from '../audit.ts';
import type { Core, Tx } from '../database.ts';
import { recordChange } from '../identity-changes.ts';
import { distinct } from '../registry.ts';

/** Any number that no other advisory lock of the core database uses: 'aud ' in ASCII. Audiences are compared under it. */
const audienceLock = 0x61_75_64_20;

export async function getAccess(sql: Core | Tx, tenant: string): Promise<DeviceAccess> {
  const [row] = await sql.query<{ jwt: boolean | null; audiences: string[] | null }>(
    `select (select jwt from device_access where tenant = $1) as jwt,
            (select array_agg(audience order by audience) from device_audiences where tenant = $1) as audiences`,
    [tenant],
  );
  return { jwt: row?.jwt ?? false, audiences: row?.audiences ?? [] };
}

/** @throws ProblemError 409 for an audience that names another tenant */
export async function putAccess(core: Core, actor: Actor, wanted: DeviceAccess): Promise<DeviceAccess> {
  const { tenant } = actor;
  const audiences = distinct(wanted.audiences);
  return await core.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [audienceLock]);
    const before = await getAccess(tx, tenant);
    const [taken] = await tx.query<{ audience: string }>(
      `select audience from device_audiences where tenant <> $1 and audience = any ($2)`,
      [tenant, audiences],
    );
    if (taken !== undefined)
      throw problem(409, 'Audience taken', `audience '${taken.audience}' names another tenant's devices`, {
        errors: [{ field: 'body.audiences', message: `'${taken.audience}' is taken` }],
      });
    await tx.query(
      `insert into device_access (tenant, jwt) values ($1, $2)
       on conflict (tenant) do update set jwt = excluded.jwt, updated_at = now()`,
      [tenant, wanted.jwt],
    );
    await tx.query('delete from device_audiences where tenant = $1', [tenant]);
    await tx.query('insert into device_audiences (audience, tenant) select unnest($2::text[]), $1', [
      tenant,
      audiences,
    ]);
    const after = await getAccess(tx, tenant);
    await audit(tx, actor, 'device-access.put', tenant, { before, after });
    await recordChange(tx, { tenant, device: '', change: 'device-access', serial: null, data: after });
    return after;
  });
}
