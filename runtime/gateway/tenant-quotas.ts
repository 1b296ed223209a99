import { callerHeaders, TenantShares, type TenantUsageReport, tenantUsagePath } from '../contracts/http/index.ts';
import { defaultTenant } from '../contracts/identifiers.ts';
import type { ServiceToken } from '../platform/identity/service-token.ts';
import type { Log } from '../platform/service/log.ts';
import type { Session } from './session.ts';
import type { TenantUses } from './tenant-use.ts';

const everyMs = 5_000;
const timeoutMs = 3_000;

/**
 * Tells the devices service what tenants sent and hears what they may: each five seconds, off the path of messages. While
 * nobody answers the last shares hold, and a minute that was not told is told with the next one.
 */
export class TenantQuotas {
  private readonly options: {
    devicesUrl: string;
    identity: ServiceToken;
    gateway: string;
    uses: TenantUses;
    sessions: () => Iterable<Session>;
    log: Log;
  };
  private timer: NodeJS.Timeout | undefined;
  private telling: Promise<void> | undefined;
  private away = false;

  constructor(options: TenantQuotas['options']) {
    this.options = options;
  }

  start(): void {
    void this.tellNow();
    this.timer = setInterval(() => void this.tellNow(), everyMs).unref();
  }

  /** Tells and hears once; never throws: what did not go is logged when it begins and when it ends. */
  tellNow(): Promise<void> {
    this.telling ??= this.tell()
      .then(
        () => {
          if (this.away) this.options.log.info('quotas of tenants are heard again');
          this.away = false;
        },
        (error: Error) => {
          if (!this.away) this.options.log.warn({ error: error.message }, 'quotas of tenants not heard; the last hold');
          this.away = true;
        },
      )
      .finally(() => {
        this.telling = undefined;
      });
    return this.telling;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.telling;
    await this.tellNow();
  }

  private async tell(): Promise<void> {
    const { devicesUrl, identity, gateway, uses, sessions } = this.options;
    const connections = new Map<string, number>();
    for (const { tenant } of sessions()) connections.set(tenant, (connections.get(tenant) ?? 0) + 1);
    const now = Date.now();
    for (const tenant of connections.keys()) uses.of(tenant, now);
    const tenants = [...uses.entries()].flatMap(([tenant, use]) =>
      use.minutes(now).map((each) => ({ tenant, ...each, connections: connections.get(tenant) ?? 0 })),
    );
    const response = await fetch(new URL(tenantUsagePath, devicesUrl), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await identity.current()}`,
        // Every internal request names a tenant; the report spans all.
        [callerHeaders.tenant]: defaultTenant,
      },
      body: JSON.stringify({ gateway, tenants } satisfies TenantUsageReport),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 401) identity.forget(); // told again with the next report
    if (!response.ok) throw new Error(`${tenantUsagePath} answered ${response.status}`);
    const { shares } = TenantShares.parse(await response.json());
    uses.setShares(new Map(shares.map((share) => [share.tenant, share.messagesPerSecond])), Date.now());
    for (const [, use] of uses.entries()) use.told(now - (now % 60_000));
  }
}
