import type { TenantShares, TenantUsageReport } from '../contracts/http/index.ts';
import type { Core } from './database.ts';

const keptDays = 2;

/**
 * Keeps what a gateway took from tenants, and answers its share of each quota: by its part of the tenant's connections
 * over the gateways that told something in the last minute.
 */
export async function reportUsage(core: Core, report: TenantUsageReport): Promise<TenantShares> {
  const column = <K extends keyof TenantUsageReport['tenants'][number]>(name: K) =>
    report.tenants.map((row) => row[name]);
  await core.query(
    `insert into tenant_usage (tenant, minute, gateway, messages, throttled_ms, connections, told_at)
     select u.tenant, to_timestamp(u.minute / 1000), $1, u.messages, u.throttled_ms, u.connections, now()
     from unnest($2::text[], $3::float8[], $4::bigint[], $5::bigint[], $6::int[])
       as u (tenant, minute, messages, throttled_ms, connections)
     join tenants t on t.id = u.tenant
     on conflict (tenant, minute, gateway) do update set
       messages = greatest(tenant_usage.messages, excluded.messages),
       throttled_ms = greatest(tenant_usage.throttled_ms, excluded.throttled_ms),
       connections = excluded.connections, told_at = now()`,
    [
      report.gateway,
      column('tenant'),
      column('minute'),
      column('messages'),
      column('throttledMs'),
      column('connections'),
    ],
  );
  const rows = await core.query<{ tenant: string; quota: number; own: string; all: string; gateways: string }>(
    `select t.id as tenant, t.quota_messages_per_second as quota,
            coalesce(sum(n.connections) filter (where n.gateway = $1), 0) as own,
            coalesce(sum(n.connections), 0) as all, count(n.gateway) as gateways
     from tenants t left join lateral (
       select distinct on (gateway) gateway, connections from tenant_usage
       where tenant = t.id and minute > now() - interval '3 minutes' and told_at > now() - interval '1 minute'
       order by gateway, minute desc) n on true
     where t.quota_messages_per_second is not null
     group by t.id`,
    [report.gateway],
  );
  return {
    shares: rows.map(({ tenant, quota, own, all, gateways }) => ({
      tenant,
      messagesPerSecond: shareOf(quota, Number(own), Number(all), Number(gateways)),
    })),
  };
}

/**
 * A gateway's part of a quota, messages a second. Without connections anywhere each gateway has an even part, so that the
 * first device is heard; nobody's part is below one. Pure.
 */
export function shareOf(quota: number, own: number, all: number, gateways: number): number {
  const part = all === 0 ? 1 / Math.max(1, gateways) : own / all;
  return Math.max(1, quota * part);
}

/** Removes what is older than two days; what is asked for is the last hour. */
export async function sweepUsage(core: Pick<Core, 'query'>): Promise<void> {
  await core.query(`delete from tenant_usage where minute < now() - interval '${keptDays} days'`);
}
