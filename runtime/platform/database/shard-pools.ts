import type pg from 'pg';
import type { Log } from '../service/log.ts';
import { createPool, isTransient, type PoolSettings } from './pool.ts';
import { logicalShard, type ShardMap, shardMapProblems } from './shards.ts';

/** Databases of the shards, found by device or asked all at once. */
export type ShardPools = {
  /** Version of the map in force. */
  mapVersion(): number;
  /** Databases of the map in force, each once, sorted. */
  names(): readonly string[];
  /** Name of the database that holds a device. */
  databaseOf(tenant: string, device: string): string;
  /** Name of the database that holds a logical shard; undefined for a number that is none. */
  databaseOfShard(shard: number): string | undefined;
  /** @throws Error when the process was given no database of that name. */
  pool(name: string): pg.Pool;
  poolFor(tenant: string, device: string): { name: string; pool: pg.Pool };
  fanOut<T>(ask: (pool: pg.Pool, name: string) => Promise<T>, deadlineMs: number): Promise<FanOut<T>>;
  /** Takes the newest map now instead of at the next refresh. Fails only when core cannot be read or the map is wrong. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
};

/** Answers by database; `missing` names those that were dead, or too slow for the deadline. */
export type FanOut<T> = { results: Map<string, T>; missing: string[] };

export type ShardPoolsOptions = {
  core: Pick<pg.Pool, 'query'>;
  /** Databases this process was given: name to URL (`IOT_SHARD_DATABASE_URLS`). */
  urls: Readonly<Record<string, string>>;
  pool: Omit<PoolSettings, 'name' | 'url'>;
  /** How often the map is read again, milliseconds. */
  refreshMs?: number;
};

/**
 * Reads the newest shard map from core and keeps one bounded pool for each database. The map is read again every
 * `refreshMs`; once read it outlives core: while core is away, or while the newest map names a database that this
 * process does not have, the last good map stays in force and the log says so.
 * @throws Error when the first map cannot be read, is missing, or does not fit the databases given.
 */
export async function openShardPools(options: ShardPoolsOptions, log: Log): Promise<ShardPools> {
  const known = new Set(Object.keys(options.urls));
  const pools = new Map<string, pg.Pool>();
  const pool = (name: string): pg.Pool => {
    let found = pools.get(name);
    if (found === undefined) {
      const url = options.urls[name];
      if (url === undefined)
        throw new Error(`no database '${name}' in IOT_SHARD_DATABASE_URLS, it has ${[...known].join(', ')}`);
      found = createPool({ ...options.pool, name, url }, log);
      pools.set(name, found);
    }
    return found;
  };

  let map = await readShardMap(options.core, known);
  let names = distinct(map);
  const refresh = async () => {
    const newest = await readShardMap(options.core, known);
    if (newest.version === map.version) return;
    log.info({ from: map.version, to: newest.version }, 'shard map changed');
    map = newest;
    names = distinct(map);
  };
  const timer = setInterval(() => {
    refresh().catch((error: unknown) =>
      log.warn({ error: String(error), version: map.version }, 'shard map not refreshed; the last good one stays'),
    );
  }, options.refreshMs ?? 30_000);
  timer.unref();

  const databaseOf = (tenant: string, device: string) => map.databases[logicalShard(tenant, device)] as string;
  return {
    mapVersion: () => map.version,
    names: () => names,
    databaseOf,
    databaseOfShard: (shard) => map.databases[shard],
    pool,
    poolFor(tenant, device) {
      const name = databaseOf(tenant, device);
      return { name, pool: pool(name) };
    },
    fanOut: (ask, deadlineMs) => fanOut(names, (name) => ask(pool(name), name), deadlineMs, log),
    refresh,
    async stop() {
      clearInterval(timer);
      await Promise.all([...pools.values()].map((p) => p.end()));
    },
  };
}

/**
 * Asks every database at once and waits no longer than the deadline. A database that is away, or has not answered by
 * then, is named in `missing`; an error that no retry changes (a wrong query) is thrown, since it is ours.
 */
export async function fanOut<T>(
  names: readonly string[],
  ask: (name: string) => Promise<T>,
  deadlineMs: number,
  log: Log,
): Promise<FanOut<T>> {
  const results = new Map<string, T>();
  let wrong: unknown;
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs);
  });
  const all = Promise.all(
    names.map(async (name) => {
      try {
        results.set(name, await ask(name));
      } catch (error) {
        if (!isTransient(error)) wrong ??= error;
        log.warn({ database: name, error: String(error) }, 'shard did not answer');
      }
    }),
  );
  await Promise.race([all, deadline]);
  clearTimeout(timer);
  if (wrong !== undefined) throw wrong;
  // A late answer must not change what the caller already holds.
  const answered = new Map(results);
  return { results: answered, missing: names.filter((name) => !answered.has(name)) };
}

async function readShardMap(core: Pick<pg.Pool, 'query'>, known: ReadonlySet<string>): Promise<ShardMap> {
  const { rows } = await core.query<{ version: string; databases: string[] }>(
    'select version, databases from shard_maps order by version desc limit 1',
  );
  const row = rows[0];
  if (row === undefined)
    throw new Error(
      'core database has no shard map; migrations write the first one (runtime/platform/database/migrate.ts)',
    );
  const map = { version: Number(row.version), databases: row.databases };
  const problems = shardMapProblems(map, known);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return map;
}

function distinct(map: ShardMap): readonly string[] {
  return [...new Set(map.databases)].sort();
}
