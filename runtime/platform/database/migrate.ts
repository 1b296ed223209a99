import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import type { Log } from '../service/log.ts';
import { firstShardMap } from './shards.ts';

const folder = (kind: 'core' | 'shard') => fileURLToPath(new URL(`../../migrations/${kind}`, import.meta.url));

/**
 * Brings one database to the newest schema: forward only, re-runnable, each file in a transaction, under
 * node-pg-migrate's advisory lock, so that two migrators wait for each other.
 * @returns names of the files that were applied.
 */
export async function migrate(kind: 'core' | 'shard', url: string, log: Log): Promise<string[]> {
  const quiet = {
    debug: () => undefined,
    info: () => undefined,
    warn: (m: string) => log.warn(m),
    error: (m: string) => log.error(m),
  };
  const done = await runner({
    databaseUrl: url,
    dir: folder(kind),
    direction: 'up',
    migrationsTable: 'schema_migrations',
    checkOrder: true,
    singleTransaction: false,
    logger: quiet,
  });
  const names = done.map((m) => m.name);
  if (names.length > 0) log.info({ kind, applied: names }, 'migrated');
  return names;
}

/** Writes the first shard map if there is none. A later change of the databases' list moves nothing by itself. */
export async function ensureShardMap(coreUrl: string, databases: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: coreUrl });
  await client.connect();
  try {
    const map = firstShardMap(databases);
    await client.query(
      'insert into shard_maps (version, databases) select $1, $2 where not exists (select from shard_maps)',
      [map.version, map.databases],
    );
  } finally {
    await client.end();
  }
}
