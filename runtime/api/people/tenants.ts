import type pg from 'pg';
import type { Quotas, Tenant } from '../../contracts/http/people.ts';
import { defaultTenant } from '../../contracts/identifiers.ts';
import { inTransaction, type Tx } from '../../platform/database/transaction.ts';
import { problem } from '../../platform/http/problem.ts';
import { type Actor, audit } from './audit.ts';
import { type Invited, invite } from './invitations.ts';

type Row = {
  id: string;
  name: string;
  devices: number | null;
  messages: number | null;
  requests: number | null;
  created_at: Date;
};
const columns = `id, name, quota_devices as devices, quota_messages_per_second as messages,
  quota_requests_per_second as requests, created_at`;

const tenantOf = (row: Row): Tenant => ({
  id: row.id,
  name: row.name,
  quotas: { devices: row.devices, messagesPerSecond: row.messages, requestsPerSecond: row.requests },
  createdAt: row.created_at.toISOString(),
});

/** Tenants by id after `after`, one more than asked for when there are more. */
export async function listTenants(core: pg.Pool, after: string, limit: number): Promise<Tenant[]> {
  const { rows } = await core.query<Row>(`select ${columns} from tenants where id > $1 order by id limit $2`, [
    after,
    limit + 1,
  ]);
  return rows.map(tenantOf);
}

/** Makes a tenant, with an invitation for the person who will administer it. @throws ProblemError 409 when it exists. */
export async function createTenant(
  core: pg.Pool,
  actor: Actor,
  asked: { id: string; name: string; administrator: string; quotas: Quotas },
  now: number,
): Promise<{ tenant: Tenant; invitation: Invited }> {
  return inTransaction(core, async (tx) => {
    const [row] = await tx.query<Row>(
      `insert into tenants (id, name, quota_devices, quota_messages_per_second, quota_requests_per_second)
       values ($1, $2, $3, $4, $5) on conflict (id) do nothing returning ${columns}`,
      [asked.id, asked.name, ...inOrder(asked.quotas)],
    );
    if (row === undefined) throw problem(409, 'Exists', `tenant '${asked.id}' exists already`);
    const tenant = tenantOf(row);
    await audit(tx, tenant.id, actor, 'tenant.create', tenant.id, { after: tenant });
    const person = { email: asked.administrator, role: 'admin' } as const;
    return { tenant, invitation: await invite(tx, tenant.id, actor, person, now) };
  });
}

/** @throws ProblemError 404, or 409 for quotas of the operator's own tenant, who could lock himself out by them. */
export async function updateTenant(
  core: pg.Pool,
  actor: Actor,
  id: string,
  patch: { name?: string | undefined; quotas?: { [Name in keyof Quotas]?: Quotas[Name] | undefined } | undefined },
): Promise<Tenant> {
  if (id === defaultTenant && patch.quotas !== undefined)
    throw problem(409, 'No quotas here', `tenant '${defaultTenant}' operates the platform and has no quotas`);
  return inTransaction(core, async (tx) => {
    const before = await locked(tx, id);
    const wanted: Quotas = { ...before.quotas };
    for (const [name, value] of Object.entries(patch.quotas ?? {}))
      if (value !== undefined) wanted[name as keyof Quotas] = value;
    const [row] = await tx.query<Row>(
      `update tenants set name = $2, quota_devices = $3, quota_messages_per_second = $4, quota_requests_per_second = $5
       where id = $1 returning ${columns}`,
      [id, patch.name ?? before.name, ...inOrder(wanted)],
    );
    const after = tenantOf(row as Row);
    await audit(tx, id, actor, 'tenant.update', id, { before, after });
    return after;
  });
}

async function locked(tx: Tx, id: string): Promise<Tenant> {
  const [row] = await tx.query<Row>(`select ${columns} from tenants where id = $1 for update`, [id]);
  if (row === undefined) throw problem(404, 'No such tenant', `there is no tenant '${id}'`);
  return tenantOf(row);
}

const inOrder = ({ devices, messagesPerSecond, requestsPerSecond }: Quotas) => [
  devices,
  messagesPerSecond,
  requestsPerSecond,
];

/** A tenant and what it used in the last hour. @throws ProblemError 404 for a token of a tenant that is not there. */
export async function tenantUsage(core: pg.Pool, id: string, devices: number) {
  const { rows } = await core.query<Row & { messages_last_hour: string; throttled_ms: string }>(
    `select ${columns}, coalesce(u.messages, 0) as messages_last_hour, coalesce(u.throttled_ms, 0) as throttled_ms
     from tenants left join lateral (
       select sum(messages) as messages, sum(throttled_ms) as throttled_ms from tenant_usage
       where tenant = tenants.id and minute > now() - interval '1 hour') u on true
     where id = $1`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) throw problem(404, 'No such tenant', `there is no tenant '${id}'`);
  return {
    ...tenantOf(row),
    usage: {
      devices,
      messagesLastHour: Number(row.messages_last_hour),
      throttledSecondsLastHour: Number(row.throttled_ms) / 1_000,
    },
  };
}
