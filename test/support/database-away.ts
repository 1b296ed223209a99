import pg from 'pg';
import type { TestPostgres } from './postgres.ts';

/** Takes one database away as a failover does: its connections end and new ones are refused. @returns gives it back. */
export async function takeAway(postgres: TestPostgres, database: string): Promise<() => Promise<void>> {
  await admin(postgres, async (client) => {
    await client.query(`alter database ${database} with allow_connections false`);
    await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database]);
  });
  return () => admin(postgres, (client) => client.query(`alter database ${database} with allow_connections true`));
}

async function admin(postgres: TestPostgres, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.urlOf('postgres') });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
