import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../../runtime/platform/database/migrate.ts';
import { quietLog } from '../../support/log.ts';
import { type TestPostgres, testPostgres } from '../../support/postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres?.stop());

test('a started server has durable commits, no other listener than loopback, and refuses a wrong password', async () => {
  const client = new pg.Client({ connectionString: postgres.core });
  await client.connect();
  const { rows } = await client.query(
    "select name, setting from pg_settings where name in ('fsync','synchronous_commit','listen_addresses') order by name",
  );
  expect(rows).toEqual([
    { name: 'fsync', setting: 'on' },
    { name: 'listen_addresses', setting: '127.0.0.1' },
    { name: 'synchronous_commit', setting: 'on' },
  ]);
  await client.end();
  const stranger = new pg.Client({ connectionString: postgres.core.replace('test-only', 'guess') });
  await expect(stranger.connect()).rejects.toThrow(/password authentication failed/);
});

test('migrations are re-runnable, and two migrators at once both end well', async () => {
  const again = await Promise.all([
    migrate('core', postgres.core, quietLog),
    migrate('shard', postgres.urlOf('shard_a'), quietLog),
  ]);
  expect(again).toEqual([[], []]);
  const client = new pg.Client({ connectionString: postgres.core });
  await client.connect();
  const { rows } = await client.query('select databases from shard_maps');
  expect(rows[0].databases.filter((name: string) => name === 'shard_a')).toHaveLength(32);
  await client.end();
});
