import pg from 'pg';
import { migrate } from '../../../runtime/platform/database/migrate.ts';
import { makePartitions } from '../../../runtime/platform/database/partition-keeper.ts';
import { partitionsAhead } from '../../../runtime/platform/database/partitions.ts';
import { createPool } from '../../../runtime/platform/database/pool.ts';
import type { Log } from '../../../runtime/platform/service/log.ts';

const name = 'bench_monolith';

/**
 * A database of the monoliths' own on the platform's server: the shards' migrations, so the same table and the same
 * index, and today's partitions. @returns its connection string, and how to drop it.
 */
export async function monolithDatabase(server: string, log: Log): Promise<{ url: string; drop(): Promise<void> }> {
  const drop = () => withClient(server, (client) => client.query(`drop database if exists ${name} with (force)`));
  await drop(); // of a run that was killed
  await withClient(server, (client) => client.query(`create database ${name}`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  await migrate('shard', url.href, log);
  const pool = createPool(
    { name, url: url.href, application: 'bench', max: 1, connectMs: 5_000, statementMs: 30_000 },
    log,
  );
  try {
    await makePartitions(pool, partitionsAhead(Date.now()));
  } finally {
    await pool.end();
  }
  return { url: url.href, drop: async () => void (await drop()) };
}

/**
 * Runs `work` while every commit of the server takes at least `commitMs`, for everybody alike: what a disk further away
 * costs. Put back afterwards, also when the command is interrupted.
 * https://www.postgresql.org/docs/18/runtime-config-wal.html#GUC-COMMIT-DELAY
 */
export async function withSlowCommits<T>(server: string, commitMs: number, work: () => Promise<T>): Promise<T> {
  const reset = () => configure(server, ['reset commit_delay', 'reset commit_siblings']);
  const interrupted = () => {
    reset().then(
      () => process.exit(130),
      (error: Error) => {
        process.stderr.write(`commit_delay is not reset: ${error.message}; run \`alter system reset commit_delay\`\n`);
        process.exit(1);
      },
    );
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await configure(server, [`set commit_delay = ${Math.round(commitMs * 1_000)}`, 'set commit_siblings = 0']);
    return await work();
  } finally {
    await reset();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

/** Milliseconds of one commit of one connection, the middle of 31: what `commitMs` really came to. */
export async function measuredCommitMs(database: string): Promise<number> {
  return withClient(database, async (client) => {
    await client.query('create table if not exists commit_probe (n int)');
    const times: number[] = [];
    for (let i = 0; i < 31; i++) {
      const began = performance.now();
      await client.query('insert into commit_probe values ($1)', [i]);
      times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[15] as number;
  });
}

async function configure(server: string, statements: readonly string[]): Promise<void> {
  await withClient(server, async (client) => {
    for (const statement of statements) await client.query(`alter system ${statement}`);
    await client.query('select pg_reload_conf()');
  });
}

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
