import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newestAuthority, storeAuthority } from '../../runtime/devices/authority/issuing-authorities.ts';
import { migrateAll } from '../../runtime/jobs/migrate.ts';
import { retain } from '../../runtime/jobs/retention.ts';
import { databaseRoles, grants, type Privilege } from '../../runtime/migrations/grants.ts';
import { keepPartitions, makePartitionsFor } from '../../runtime/platform/database/partition-keeper.ts';
import { quietLog } from '../support/log.ts';
import { type CloudPostgres, cloudPostgres, migrator } from './support.ts';

const shards = ['shard_0', 'shard_1'];
const denied = /permission denied/;
const day = 86_400_000;

let postgres: CloudPostgres;
const job = () => ({
  coreUrl: postgres.urlAs(migrator, 'core'),
  shardUrls: Object.fromEntries(shards.map((name) => [name, postgres.urlAs(migrator, name)])),
  roles: postgres.roles,
});
beforeAll(async () => {
  postgres = await cloudPostgres();
  await migrateAll(job(), quietLog);
}, 60_000);
afterAll(() => postgres?.stop());

const login = (service: string) => postgres.roles[service] as string;
const databases = [
  { kind: 'core', name: 'core' },
  { kind: 'shard', name: 'shard_0' },
] as const;

describe.each(databases)('the $kind database', ({ kind, name }) => {
  test('has a line in the table of grants for each of its tables and functions, and the migrator owns them all', async () => {
    const { rows } = await postgres.admin(name).query<{ table: string; owner: string }>(
      `select relname as table, relowner::regrole::text as owner from pg_class
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm') and not relispartition`,
    );
    expect(rows.map((row) => row.table).sort()).toEqual(Object.keys(grants[kind].tables).sort());
    expect(new Set(rows.map((row) => row.owner))).toEqual(new Set([`"${migrator}"`]));
    const functions = await postgres.admin(name).query<{ name: string }>(
      `select format('%s(%s)', proname, oidvectortypes(proargtypes)) as name from pg_proc p
       where pronamespace = 'public'::regnamespace
         and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`,
    );
    expect(functions.rows.map((row) => row.name).sort()).toEqual(Object.keys(grants[kind].functions).sort());
  });

  test.each(databaseRoles)('gives %s exactly its rights, asked table by table', async (service) => {
    const admin = postgres.admin(name);
    for (const [table, lines] of Object.entries(grants[kind].tables)) {
      const may = lines[service] ?? [];
      for (const privilege of ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'] as const) {
        const { rows } = await admin.query<{ may: boolean }>('select has_table_privilege($1, $2, $3) as may', [
          login(service),
          `public.${table}`,
          privilege,
        ]);
        expect([service, table, privilege, rows[0]?.may]).toEqual([
          service,
          table,
          privilege,
          may.includes(privilege as Privilege),
        ]);
      }
      const { rows: columns } = await admin.query<{ name: string; may: boolean }>(
        `select attname as name, has_column_privilege($1, attrelid, attnum, 'update') as may from pg_attribute
         where attrelid = $2::regclass and attnum > 0 and not attisdropped`,
        [login(service), `public.${table}`],
      );
      const wanted = may.flatMap((each) => (typeof each === 'string' ? [] : each.update));
      for (const column of columns)
        expect([table, column.name, column.may]).toEqual([
          table,
          column.name,
          may.includes('update') || wanted.includes(column.name),
        ]);
      for (const column of wanted) expect(columns.map((each) => each.name)).toContain(column);
    }
  });
});

test.each([
  ['telemetry', 'shard_0', 'delete from readings'],
  ['telemetry', 'shard_0', "select make_partition('readings', current_date)"],
  ['telemetry', 'shard_0', "update alerts set severity = 'low'"],
  ['telemetry', 'core', 'select * from users'],
  ['processor', 'shard_0', 'delete from readings'],
  ['processor', 'shard_0', 'update readings set seq = 0'],
  ['processor', 'shard_0', 'delete from dead_letters'],
  ['processor', 'shard_0', "update dead_letters set payload = ''"],
  ['telemetry', 'shard_0', "update dead_letters set payload = ''"],
  ['processor', 'shard_0', 'truncate parked_messages'],
  ['processor', 'core', 'insert into shard_maps (version, databases) values (2, array[]::text[])'],
  ['devices', 'core', 'select * from audit_log'],
  ['devices', 'core', 'delete from audit_log'],
  ['devices', 'core', 'delete from certificates'],
  ['devices', 'core', 'select * from users'],
  ['api', 'core', "update users set tenant = 'main'"],
  ['api', 'core', 'delete from audit_log'],
  ['api', 'core', 'select * from devices'],
  ['api', 'core', 'create table mine (id int)'],
  ['api', 'core', 'create temporary table mine (id int)'],
  ['devices', 'shard_0', 'select 1'],
  ['api', 'shard_0', 'select 1'],
])('%s in %s is denied: %s', async (service, database, sql) => {
  await expect(postgres.as(login(service), database).query(sql)).rejects.toThrow(denied);
});

test('the job authority stores its certificate as devices, twice the same, and finds it again', async () => {
  const core = postgres.as(login('devices'), 'core');
  const made = { serial: 'a1', certificate: 'C', chain: '', root: 'R', notAfter: new Date(Date.now() + day) };
  await storeAuthority(core, 'key', 'pool', made);
  await storeAuthority(core, 'key', 'pool', made);
  expect(await newestAuthority(core, 'key', 'pool')).toEqual(made);
});

describe('partitions', () => {
  test('the processor adds days, reaches none of them beside the table, and drops none', async () => {
    const pool = postgres.as(login('processor'), 'shard_0');
    const late = Date.now() - 20 * day;
    await makePartitionsFor(pool, [{ ts: late }]);
    await makePartitionsFor(pool, [{ ts: late }]);
    expect(await keepPartitions(pool, Date.now() + 300 * day, { readings: 1, rollups: 1 }, quietLog)).toEqual([]);
    const partition = `readings_${new Date(late).toISOString().slice(0, 10).replaceAll('-', '')}`;
    await expect(pool.query(`select from ${partition}`)).rejects.toThrow(denied);
    await expect(pool.query(`drop table ${partition}`)).rejects.toThrow(/must be owner/);
  });

  test.each([
    ["'pg_class', current_date", /no partitions are made of 'pg_class'/],
    ["'readings', '9999-12-31'", /no partition is made for 9999-12-31; allowed are/],
    ["'readings', '0001-01-01'", /no partition is made for 0001-01-01/],
    ['null, current_date', /null|no partitions/i],
  ])('make_partition(%s) is refused', async (args, message) => {
    const pool = postgres.as(login('processor'), 'shard_0');
    await expect(pool.query(`select make_partition(${args})`)).rejects.toThrow(message);
  });

  test('a partition has the bounds of the code that names it, in UTC whatever the session thinks', async () => {
    const client = await postgres.as(login('processor'), 'shard_1').connect();
    await client.query("set timezone to 'Asia/Tokyo'");
    await makePartitionsFor(client as unknown as pg.Pool, [{ ts: Date.UTC(2026, 11, 31, 23, 59) }]);
    client.release(true);
    const admin = await postgres.admin('shard_1').connect();
    await admin.query("set timezone to 'UTC'");
    const { rows } = await admin.query<{ name: string; bound: string }>(
      `select relname as name, pg_get_expr(relpartbound, oid) as bound from pg_class
       where relname in ('readings_20261231', 'rollup_1m_202612', 'rollup_1h_202612') order by 1`,
    );
    admin.release(true);
    const bound = (from: string) => `FOR VALUES FROM ('${from} 00:00:00+00') TO ('2027-01-01 00:00:00+00')`;
    expect(rows).toEqual([
      { name: 'readings_20261231', bound: bound('2026-12-31') },
      { name: 'rollup_1h_202612', bound: bound('2026-12-01') },
      { name: 'rollup_1m_202612', bound: bound('2026-12-01') },
    ]);
  });

  test('the job retention drops what is over in every shard, and says which shard it could not reach', async () => {
    const pool = postgres.as(login('processor'), 'shard_1');
    const now = Date.now();
    await makePartitionsFor(pool, [{ ts: now - 40 * day }]);
    const gone = `readings_${new Date(now - 40 * day).toISOString().slice(0, 10).replaceAll('-', '')}`;
    const keepDays = { readings: 30, rollups: 400, resolvedLetters: 30 };
    const dropped = await retain({ shardUrls: job().shardUrls, keepDays }, now, quietLog);
    expect(dropped['shard_1']).toEqual([gone]);
    expect(dropped['shard_0']).toEqual([]);
    const shardUrls = { ...job().shardUrls, shard_0: postgres.urlAs(migrator, 'nowhere') };
    await makePartitionsFor(pool, [{ ts: now - 40 * day }]);
    await expect(retain({ shardUrls, keepDays }, now, quietLog)).rejects.toThrow(/failed in 1 of 2 databases/);
    const { rows } = await postgres.admin('shard_1').query('select to_regclass($1) as there', [gone]);
    expect(rows[0].there).toBeNull();
  });
});

describe('migrating again', () => {
  test('changes nothing, and mends what somebody changed by hand', async () => {
    const admin = postgres.admin('shard_0');
    const acls = async () =>
      (await admin.query('select relname, relacl::text from pg_class where relacl is not null order by 1')).rows;
    const before = await acls();
    await migrateAll(job(), quietLog);
    expect(await acls()).toEqual(before);
    await admin.query(`grant delete on readings to "${login('telemetry')}"`);
    await admin.query(`grant select on rollup_1m to public`);
    await admin.query(`revoke insert on readings from "${login('processor')}"`);
    await migrateAll(job(), quietLog);
    const held = (rows: Awaited<ReturnType<typeof acls>>) =>
      rows.map((row) => [row.relname, [...String(row.relacl).slice(1, -1).split(',')].sort()]);
    expect(held(await acls())).toEqual(held(before));
  });

  test("a function of a later migration is nobody else's", async () => {
    await postgres.as(migrator, 'core').query("create function later() returns int language sql as 'select 1'");
    try {
      await expect(postgres.as(login('api'), 'core').query('select later()')).rejects.toThrow(denied);
    } finally {
      await postgres.as(migrator, 'core').query('drop function later()');
    }
  });

  test('two migrators at once end well', async () => {
    await Promise.all([migrateAll(job(), quietLog), migrateAll(job(), quietLog)]);
  });

  test('a user that is not there is named, with the way out', async () => {
    const roles = { ...postgres.roles, telemetry: 'nobody@iot-dev-1.iam' };
    await expect(migrateAll({ ...job(), roles }, quietLog)).rejects.toThrow(
      /no user 'nobody@iot-dev-1\.iam'.*pulumi up/,
    );
    await expect(migrateAll({ ...job(), roles: { gateway: 'x' } }, quietLog)).rejects.toThrow(
      /names 'gateway': services with grants are processor, devices, telemetry, api/,
    );
  });
});
