import type pg from 'pg';
import type { Log } from '../../platform/service/log.ts';
import type { Limit } from './rate-limits.ts';

const lookEveryMs = 10_000;
const burstSeconds = 2;

export type TenantQuotas = {
  /** What all requests of a tenant together may do; undefined: no limit of its own. */
  requestsOf(tenant: string): Limit | undefined;
  /** Reads them now. @throws when the database does not answer. */
  look(): Promise<void>;
  stop(): void;
};

/**
 * Request quotas of tenants, read from the core database each ten seconds: a request never waits for them, and while the
 * database is away the last ones hold.
 */
export function readTenantQuotas(core: Pick<pg.Pool, 'query'>, log: Log): TenantQuotas {
  let quotas = new Map<string, Limit>();
  const look = async () => {
    const { rows } = await core.query<{ id: string; requests: number }>(
      'select id, quota_requests_per_second as requests from tenants where quota_requests_per_second is not null',
    );
    quotas = new Map(rows.map(({ id, requests }) => [id, { burst: requests * burstSeconds, ratePerSecond: requests }]));
  };
  const lookOrWarn = () =>
    void look().catch((error: Error) => log.warn({ error: error.message }, 'quotas not read; the last ones hold'));
  lookOrWarn();
  const timer = setInterval(lookOrWarn, lookEveryMs).unref();
  return { requestsOf: (tenant) => quotas.get(tenant), look, stop: () => clearInterval(timer) };
}
