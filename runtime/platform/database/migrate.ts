import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import type { PoolClient } from 'pg';
import type { Log } from '../service/log.ts';
import { createPool } from './pool.ts';
import { firstShardMap } from './shards.ts';

/** Where the SQL files of one kind of database are. */
export const migrationsFolder = (kind: 'core' | 'shard') =>
  fileURLToPath(new URL(`../../migrations/${kind}`, import.meta.url));

/**
 * Brings one database to the newest schema: forward only, re-runnable, each file in a transaction, under
 * node-pg-migrate's advisory lock, so that two migrators wait for each other.
 * @param url any that a service's pool takes, Cloud SQL's included
 * @param google test server instead of Google's APIs
 * @returns names of the files that were applied.
 */
export async function migrate(kind: 'core' | 'shard', url: string, log: Log, google?: string): Promise<string[]> {
  const quiet = {
    debug: () => undefined,
    info: () => undefined,
    warn: (m: string) => log.warn(m),
    error: (m: string) => log.error(m),
  };
  const done = await withClient({ name: kind, url, google }, log, (dbClient) =>
    runner({
      dbClient,
      dir: migrationsFolder(kind),
      direction: 'up',
      migrationsTable: 'schema_migrations',
      checkOrder: true,
      singleTransaction: false,
      advisoryLockMode: 'wait',
      logger: quiet,
    }),
  );
  const names = done.map((m) => m.name);
  if (names.length > 0) log.info({ kind, applied: names }, 'migrated');
  return names;
}

/** Writes the first shard map if there is none. A later change of the databases' list moves nothing by itself. */
export async function ensureShardMap(
  coreUrl: string,
  databases: readonly string[],
  log: Log,
  google?: string,
): Promise<void> {
  const map = firstShardMap(databases);
  await withClient({ name: 'core', url: coreUrl, google }, log, (client) =>
    client.query(
      'insert into shard_maps (version, databases) select $1, $2 where not exists (select from shard_maps)',
      [map.version, map.databases],
    ),
  );
}

/** A migration may rewrite a table: an hour, and nobody else waits for this connection. */
const statementMs = 3_600_000;

async function withClient<T>(
  database: { name: string; url: string; google: string | undefined },
  log: Log,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const pool = createPool({ ...database, application: 'migrate', max: 1, connectMs: 10_000, statementMs }, log);
  try {
    const client = await pool.connect();
    try {
      return await work(client);
    } finally {
      // Never back into the pool: a migration may have changed its session.
      client.release(true);
    }
  } finally {
    await pool.end();
  }
}
