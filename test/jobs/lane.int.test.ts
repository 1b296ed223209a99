import { afterAll, beforeAll, expect, test } from 'vitest';
import { databaseOf, makeLane, sweepLanes, withDatabase } from '../../runtime/jobs/lane.ts';
import { quietLog } from '../support/log.ts';
import { type CloudPostgres, cloudPostgres, migrator } from './support.ts';

let postgres: CloudPostgres;
beforeAll(async () => {
  postgres = await cloudPostgres();
}, 60_000);
afterAll(() => postgres?.stop());

const lane = (name: string, until: string) => ({
  coreUrl: postgres.urlAs(migrator, `lane_${name}_core`),
  shardUrls: { shard_0: postgres.urlAs(migrator, `lane_${name}_shard_0`) },
  until,
  roles: postgres.roles,
});
const databases = async () =>
  (await postgres.admin('postgres').query<{ datname: string }>('select datname from pg_database order by 1')).rows.map(
    ({ datname }) => datname,
  );

test('both forms of URL change their database and nothing else', () => {
  expect(withDatabase('postgres://u%40x:p@h:5432/core?sslmode=require', 'lane_a')).toBe(
    'postgres://u%40x:p@h:5432/lane_a?sslmode=require',
  );
  expect(withDatabase('cloudsql:p:r:i/core?user=dev-migrator@p.iam', 'postgres')).toBe(
    'cloudsql:p:r:i/postgres?user=dev-migrator@p.iam',
  );
  expect(databaseOf('cloudsql:p:r:i/lane_a_core?user=u')).toBe('lane_a_core');
});

test('a lane is a copy of the template, its services have their rights in it, and it ends with its lease', async () => {
  await makeLane(lane('a', '2026-11-23T12:00:00Z'), quietLog);
  await makeLane(lane('b', '2026-11-24T12:00:00Z'), quietLog);
  const all = await databases();
  expect(all.filter((name) => name.startsWith('lane_'))).toEqual([
    'lane_a_core',
    'lane_a_shard_0',
    'lane_b_core',
    'lane_b_shard_0',
  ]);
  expect(all.filter((name) => name.startsWith('template_iot_'))).toHaveLength(2);

  const devices = postgres.as(postgres.roles['devices'] as string, 'lane_a_core');
  await devices.query('select count(*) from devices');
  const telemetry = postgres.as(postgres.roles['telemetry'] as string, 'lane_a_shard_0');
  await telemetry.query('select count(*) from readings');
  await expect(telemetry.query('delete from readings')).rejects.toThrow(/permission denied/);
  await expect(postgres.as(postgres.roles['gateway'] ?? 'nobody', 'lane_a_core').query('select 1')).rejects.toThrow(
    /permission denied|does not exist|authentication/,
  );

  // A second run renews the lease of what is there.
  await makeLane(lane('a', '2026-11-25T12:00:00Z'), quietLog);
  const urls = { urls: [postgres.urlAs(migrator, 'core')] };
  expect(await sweepLanes(urls, Date.parse('2026-11-24T11:59:59Z'), quietLog)).toEqual([]);
  expect(await sweepLanes(urls, Date.parse('2026-11-24T12:00:00Z'), quietLog)).toEqual([
    'lane_b_core',
    'lane_b_shard_0',
  ]);
  expect(await databases()).toContain('lane_a_core');
  expect(await databases()).toContain('core');
});

test('a database that is no lane is refused before anything is made', async () => {
  const job = { ...lane('c', '2026-11-23T12:00:00Z'), coreUrl: postgres.urlAs(migrator, 'core') };
  await expect(makeLane(job, quietLog)).rejects.toThrow(
    /database 'core' is no lane's: allowed are names that begin with lane_/,
  );
  expect(await databases()).not.toContain('lane_c_shard_0');
});

test('a lease that is renewed while the sweep is on its way keeps its databases', async () => {
  await makeLane(lane('d', '2026-11-23T12:00:00Z'), quietLog);
  const server = postgres.admin('postgres');
  const renewing = await server.connect();
  const lock = 'hashtextextended($1, 0)';
  await renewing.query(`select pg_advisory_lock(${lock})`, ['lane_d_core']);
  const sweep = sweepLanes({ urls: [postgres.urlAs(migrator, 'core')] }, Date.parse('2026-11-23T12:00:00Z'), quietLog);
  // It has seen the old lease when it waits for the lock, or, without one, when it has dropped the database.
  const waits = async () =>
    (await server.query(`select from pg_locks where locktype = 'advisory' and not granted`)).rowCount !== 0;
  while (!(await waits()) && (await databases()).includes('lane_d_core'));
  await renewing.query(`comment on database lane_d_core is 'lane until 2026-11-30T12:00:00Z'`);
  await renewing.query(`select pg_advisory_unlock(${lock})`, ['lane_d_core']);
  renewing.release();
  expect(await sweep).toEqual(['lane_d_shard_0']);
  expect(await databases()).toContain('lane_d_core');
});

test('no service gets into a template, where its session would keep every lane from being made', async () => {
  const [template = ''] = (await databases()).filter((name) => name.startsWith('template_iot_core_'));
  const devices = postgres.as(postgres.roles['devices'] as string, template);
  await expect(devices.query('select 1')).rejects.toThrow(/permission denied for database/);
});
