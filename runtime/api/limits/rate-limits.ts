import { Gauge, type Registry } from 'prom-client';
import type { Cache } from '../../platform/cache/cache.ts';
import { type RateKind, rateKey } from '../../platform/cache/keys.ts';
import { takeToken } from '../../platform/cache/scripts/index.ts';
import type { TokenReply } from '../../platform/cache/scripts/take-token.ts';
import { createLocalBuckets } from './local-buckets.ts';

/** A limit: `burst` at once, then `ratePerSecond`. */
export type Limit = { burst: number; ratePerSecond: number };
export type RateLimits = { take(kind: RateKind, id: string, limit: Limit): Promise<TokenReply> };

/**
 * Rate limits shared by all processes through Redis. While Redis is away each process limits by itself with the same
 * arithmetic: looser by the number of processes, never off. The gauge says so.
 */
export function createRateLimits(options: {
  cache: Pick<Cache, 'run' | 'status'>;
  clock: () => number;
  metrics?: Registry | undefined;
}): RateLimits {
  const { cache, clock } = options;
  const local = createLocalBuckets(50_000);
  const gauge =
    options.metrics === undefined
      ? undefined
      : new Gauge({
          name: 'iot_api_rate_limits_local',
          help: '1 while Redis is away and each process limits by itself',
          registers: [options.metrics],
        });
  gauge?.set(0);
  return {
    async take(kind, id, limit) {
      const input = { key: rateKey(kind, id), nowMs: clock(), ...limit, cost: 1 };
      if (cache.status() === 'up') {
        try {
          const reply = await cache.run(takeToken, input);
          gauge?.set(0);
          return reply;
        } catch {
          // Away, slow or refusing: whichever it is, the local buckets decide, and the cache's own log has the reason.
        }
      }
      gauge?.set(1);
      return local.take(input);
    },
  };
}
