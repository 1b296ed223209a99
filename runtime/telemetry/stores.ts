import type pg from 'pg';
import type { FanOut, ShardPools } from '../platform/database/shard-pools.ts';
import { logicalShards } from '../platform/database/shards.ts';
import { guardStore, type StoreGuard } from '../platform/resilience/store-guard.ts';
import type { Log } from '../platform/service/log.ts';

/** Asks one database; behind its own bulkhead and breaker. @throws ProblemError 503 when it is away */
export type Ask = <R extends pg.QueryResultRow>(text: string, values: readonly unknown[]) => Promise<R[]>;

/** The shards as queries see them: one for a device, all at once for the fleet. */
export type Stores = {
  forDevice(tenant: string, device: string): Ask;
  /** Undefined for a number that is no logical shard. */
  forShard(shard: number): Ask | undefined;
  /** Databases of the shards, and one of them by name. */
  names(): readonly string[];
  of(name: string): Ask;
  all<T>(ask: (one: Ask, name: string) => Promise<T>): Promise<FanOut<T>>;
  /** Databases whose breaker is open. */
  away(): string[];
  /** Logical shards that databases hold, for `degraded.missingShards`; undefined when nothing is missing. */
  degraded(missing: readonly string[]): { missingShards: number[] } | undefined;
};

export function guardShards(pools: ShardPools, fanOutMs: number, log: Log): Stores {
  const guards = new Map<string, StoreGuard>();
  const guardOf = (name: string): StoreGuard => {
    const known = guards.get(name);
    if (known !== undefined) return known;
    const made = guardStore({ name, concurrent: 32 }, log);
    guards.set(name, made);
    return made;
  };
  const asking =
    (name: string, pool: pg.Pool): Ask =>
    (text, values) =>
      guardOf(name).run(async () => (await pool.query(text, values as unknown[])).rows);
  return {
    forDevice(tenant, device) {
      const { name, pool } = pools.poolFor(tenant, device);
      return asking(name, pool);
    },
    forShard(shard) {
      const name = pools.databaseOfShard(shard);
      return name === undefined ? undefined : asking(name, pools.pool(name));
    },
    names: () => pools.names(),
    of: (name) => asking(name, pools.pool(name)),
    all: (ask) => pools.fanOut((pool, name) => ask(asking(name, pool), name), fanOutMs),
    away: () => [...guards].filter(([, guard]) => guard.circuit() === 'open').map(([name]) => name),
    degraded(missing) {
      if (missing.length === 0) return undefined;
      const lost = new Set(missing);
      const shards = Array.from({ length: logicalShards }, (_, shard) => shard);
      return { missingShards: shards.filter((shard) => lost.has(pools.databaseOfShard(shard) ?? '')) };
    },
  };
}

/** `degraded` of an answer: parts and shards that were missing; nothing when it is whole. */
export function degradedBy(
  parts: readonly string[],
  shards: { missingShards: number[] } | undefined,
): { degraded: { parts?: string[]; missingShards?: number[] } } | Record<string, never> {
  if (parts.length === 0 && shards === undefined) return {};
  return { degraded: { ...(parts.length === 0 ? {} : { parts: [...parts] }), ...shards } };
}
