import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { startPostgres } from '../../runtime/local/postgres/postgres.ts';
import { databaseRoles } from '../../runtime/migrations/grants.ts';
import { testPool } from '../support/pool.ts';
import { freePort } from '../support/ports.ts';

export type CloudPostgres = {
  /** Service to database user, as `IOT_DATABASE_ROLES` has it. */
  roles: Record<string, string>;
  /** As the server's administrator. */
  admin(database: string): pg.Pool;
  /** Address of a database for one login. */
  urlAs(login: string, database: string): string;
  as(login: string, database: string): pg.Pool;
  stop(): Promise<void>;
};

export const migrator = 'dev-migrator@iot-dev-1.iam';
const password = 'test-only';

/**
 * Postgres as Cloud SQL hands it over: databases that `cloudsqlsuperuser` owns (no superuser), a migrator that is its
 * member, users without any right, and nothing inside yet.
 * https://cloud.google.com/sql/docs/postgres/users#default-users
 */
export async function cloudPostgres(
  databases: readonly string[] = ['core', 'shard_0', 'shard_1'],
): Promise<CloudPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'iot-test-pg-'));
  await chmod(dataDir, 0o755);
  const server = await startPostgres({
    dataDir,
    port: await freePort(),
    password,
    databases,
    settings: { shared_buffers: '64MB' },
  });
  const roles = Object.fromEntries(databaseRoles.map((service) => [service, `dev-${service}@iot-dev-1.iam`]));
  const pools: pg.Pool[] = [];
  const open = (url: string) => {
    const pool = testPool(url, 2);
    pools.push(pool);
    return pool;
  };
  const urlAs = (login: string, database: string) => {
    const url = new URL(server.urlOf(database));
    url.username = encodeURIComponent(login);
    return url.href;
  };
  const admin = open(server.urlOf('postgres'));
  await admin.query('create role cloudsqlsuperuser nologin createrole createdb');
  await admin.query(`create role "${migrator}" login password '${password}' in role cloudsqlsuperuser`);
  for (const user of Object.values(roles)) await admin.query(`create role "${user}" login password '${password}'`);
  for (const database of databases) await admin.query(`alter database ${database} owner to cloudsqlsuperuser`);
  return {
    roles,
    admin: (database) => open(server.urlOf(database)),
    urlAs,
    as: (login, database) => open(urlAs(login, database)),
    async stop() {
      await Promise.all(pools.map((pool) => pool.end()));
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
