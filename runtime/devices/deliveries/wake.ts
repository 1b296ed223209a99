import type { Cache } from '../../platform/cache/cache.ts';
import { CacheError, toCacheError } from '../../platform/cache/errors.ts';
import { configChannel, presenceKey } from '../../platform/cache/keys.ts';
import type { Log } from '../../platform/service/log.ts';

/** Devices in one word to a gateway. */
const chunk = 500;

/**
 * Tells the gateways that hold these devices to fetch for them now. Best effort and not awaited: the change is committed,
 * and gateways ask for changes every two seconds anyhow.
 */
export function wakeGateways(
  cache: Pick<Cache, 'redis' | 'status' | 'publish'>,
  tenant: string,
  devices: readonly string[],
  log: Log,
): void {
  wake(cache, tenant, devices).catch((error: unknown) =>
    log.debug(
      { error: toCacheError(error).message, devices: devices.length },
      'gateways were not woken; they ask soon',
    ),
  );
}

async function wake(
  cache: Pick<Cache, 'redis' | 'status' | 'publish'>,
  tenant: string,
  devices: readonly string[],
): Promise<void> {
  if (cache.status() === 'down') throw new CacheError('away', 'Redis is away');
  for (let at = 0; at < devices.length; at += chunk) {
    const some = devices.slice(at, at + chunk);
    const pipeline = cache.redis.pipeline();
    for (const device of some) pipeline.hget(presenceKey(tenant, device), 'gateway');
    const replies = (await pipeline.exec()) ?? [];
    const byGateway = new Map<string, string[]>();
    for (const [i, [error, gateway]] of replies.entries()) {
      if (error !== null) throw error;
      if (typeof gateway !== 'string') continue;
      const names = byGateway.get(gateway) ?? [];
      byGateway.set(gateway, names);
      names.push(`${tenant}/${some[i]}`);
    }
    for (const [gateway, names] of byGateway) await cache.publish(configChannel(gateway), JSON.stringify(names));
  }
}
