import { ensureShardMap, migrate } from '../platform/database/migrate.ts';
import { createPool } from '../platform/database/pool.ts';
import type { Log } from '../platform/service/log.ts';
import { applyGrants, usersOf } from './apply-grants.ts';
import { type Patience, reachable } from './reachable.ts';

export type MigrateJob = {
  coreUrl: string;
  shardUrls: Readonly<Record<string, string>>;
  /** Service to database user; null: one owner does everything, nothing is granted. */
  roles: Readonly<Record<string, string>> | null;
  /** Test server instead of Google's APIs. */
  google?: string | undefined;
};

/** One database that a job works on. */
export type JobDatabase = { name: string; url: string; google?: string | undefined };

/**
 * Newest schema in every database, the first shard map, then the rights. Forward only and re-runnable: it runs before new
 * code serves, while the old one still does, so that a migration only adds (docs/how-to/upgrade.md).
 * @throws when a database is not reachable in time, a migration fails, or a user is missing
 */
export async function migrateAll(job: MigrateJob, log: Log, patience?: Patience): Promise<void> {
  const users = job.roles === null ? null : usersOf(job.roles);
  const { google } = job;
  const databases = [
    { kind: 'core' as const, name: 'core', url: job.coreUrl, google },
    ...Object.entries(job.shardUrls).map(([name, url]) => ({ kind: 'shard' as const, name, url, google })),
  ];
  // One after the other: a migration that fails leaves the fewest databases ahead of the rest.
  for (const database of databases) {
    await withPool(database, log, (pool) => reachable(pool, database.name, log, patience));
    await migrate(database.kind, database.url, log.child({ database: database.name }), google);
  }
  await ensureShardMap(job.coreUrl, Object.keys(job.shardUrls), log, google);
  if (users === null) return;
  for (const database of databases)
    await withPool(database, log, (pool) =>
      applyGrants(pool, database.kind, users, log.child({ database: database.name })),
    );
}

export async function withPool<T>(
  { name, url, google }: JobDatabase,
  log: Log,
  work: (pool: ReturnType<typeof createPool>) => Promise<T>,
): Promise<T> {
  const bounds = { application: 'jobs', max: 1, connectMs: 10_000, statementMs: 60_000 };
  const pool = createPool({ name, url, google, ...bounds }, log);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}
