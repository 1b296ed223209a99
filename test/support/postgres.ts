import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { applyGrants } from '../../runtime/jobs/apply-grants.ts';
import { startPostgres } from '../../runtime/local/postgres/postgres.ts';
import { type DatabaseRole, databaseRoles } from '../../runtime/migrations/grants.ts';
import { ensureShardMap, migrate } from '../../runtime/platform/database/migrate.ts';
import { quietLog } from './log.ts';
import { freePort } from './ports.ts';

export type TestPostgres = {
  pid: number;
  port: number;
  core: string;
  shards: Record<string, string>;
  urlOf(database: string): string;
  /**
   * The same databases as a service sees them in the cloud: with the login and the rights of that service alone. Services
   * under test get these, so that every statement of theirs is one that its grants allow.
   */
  as(service: DatabaseRole): { core: string; shards: Record<string, string> };
  stop(): Promise<void>;
};

/** A real, migrated Postgres of this test file's own: database `core`, and shards `shard_a` and `shard_b`. */
export async function testPostgres(
  options: { shards?: string[]; settings?: Record<string, string> } = {},
): Promise<TestPostgres> {
  const names = options.shards ?? ['shard_a', 'shard_b'];
  const dataDir = await mkdtemp(join(tmpdir(), 'iot-test-pg-'));
  await chmod(dataDir, 0o755);
  const port = await freePort();
  const server = await startPostgres({
    dataDir,
    port,
    password,
    databases: ['core', ...names],
    settings: { shared_buffers: '64MB', ...options.settings },
  });
  await migrate('core', server.urlOf('core'), quietLog);
  for (const name of names) await migrate('shard', server.urlOf(name), quietLog);
  await ensureShardMap(server.urlOf('core'), names, quietLog);
  await makeLogins(server.urlOf, names);
  const as = (service: DatabaseRole, database: string) => {
    const url = new URL(server.urlOf(database));
    url.username = encodeURIComponent(loginOf(service));
    return url.href;
  };
  return {
    pid: server.child.pid as number,
    port,
    core: server.urlOf('core'),
    shards: Object.fromEntries(names.map((name) => [name, server.urlOf(name)])),
    urlOf: server.urlOf,
    as: (service) => ({
      core: as(service, 'core'),
      shards: Object.fromEntries(names.map((name) => [name, as(service, name)])),
    }),
    async stop() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const password = 'test-only';

/** As in the cloud: an account's e-mail. */
export const loginOf = (service: string): string => `test-${service}@test-project.iam`;

async function makeLogins(urlOf: (database: string) => string, shards: readonly string[]): Promise<void> {
  const logins = Object.fromEntries(databaseRoles.map((service) => [service, loginOf(service)]));
  const withPool = async (database: string, work: (pool: pg.Pool) => Promise<unknown>) => {
    const pool = new pg.Pool({ connectionString: urlOf(database), max: 1 });
    await work(pool).finally(() => pool.end());
  };
  await withPool('core', async (pool) => {
    for (const login of Object.values(logins)) await pool.query(`create role "${login}" login password '${password}'`);
    await applyGrants(pool, 'core', logins, quietLog);
  });
  for (const name of shards) await withPool(name, (pool) => applyGrants(pool, 'shard', logins, quietLog));
}
