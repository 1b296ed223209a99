import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../runtime/local/postgres/postgres.ts';
import { ensureShardMap, migrate } from '../../runtime/platform/database/migrate.ts';
import { quietLog } from './log.ts';
import { freePort } from './ports.ts';

export type TestPostgres = {
  pid: number;
  port: number;
  core: string;
  shards: Record<string, string>;
  urlOf(database: string): string;
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
    password: 'test-only',
    databases: ['core', ...names],
    settings: { shared_buffers: '64MB', ...options.settings },
  });
  await migrate('core', server.urlOf('core'), quietLog);
  for (const name of names) await migrate('shard', server.urlOf(name), quietLog);
  await ensureShardMap(server.urlOf('core'), names);
  return {
    pid: server.child.pid as number,
    port,
    core: server.urlOf('core'),
    shards: Object.fromEntries(names.map((name) => [name, server.urlOf(name)])),
    urlOf: server.urlOf,
    async stop() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
