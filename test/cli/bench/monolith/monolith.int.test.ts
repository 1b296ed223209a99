import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LoadConnection, openConnection } from '../../../../cli/bench/load/connection.ts';
import { publishTemplate } from '../../../../cli/bench/load/packets.ts';
import { measuredCommitMs, monolithDatabase, withSlowCommits } from '../../../../cli/bench/monolith/database.ts';
import { startMonolithProcess } from '../../../../cli/bench/monolith/run-monolith.ts';
import type { Baseline } from '../../../../cli/bench/monolith/stores.ts';
import { type StandIn, startRedisStandIn } from '../../../../runtime/local/redis/server.ts';
import { testAuthority } from '../../../support/certificates.ts';
import { quietLog } from '../../../support/log.ts';
import { freePort } from '../../../support/ports.ts';
import { type TestPostgres, testPostgres } from '../../../support/postgres.ts';

const device = 'dev-1';
let postgres: TestPostgres;
let redis: StandIn;
let redisPort: number;
let tlsDir: string;
let credentials: { key: string; cert: string; ca: string };
let database: { url: string; drop(): Promise<void> };
let client: pg.Client;

beforeAll(async () => {
  postgres = await testPostgres({ shards: ['shard_a'] });
  redisPort = await freePort();
  redis = await startRedisStandIn({ port: redisPort });
  tlsDir = await mkdtemp(join(tmpdir(), 'iot-test-monolith-'));
  const authority = await testAuthority();
  const server = await authority.server();
  await writeFile(join(tlsDir, 'server.pem'), server.cert);
  await writeFile(join(tlsDir, 'server.key'), server.key);
  await writeFile(join(tlsDir, 'devices-ca.pem'), authority.cert);
  const { key, cert } = await authority.device(device);
  credentials = { key, cert, ca: authority.cert };
  database = await monolithDatabase(postgres.core, quietLog);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await redis?.close();
  await postgres?.stop();
  if (tlsDir !== undefined) await rm(tlsDir, { recursive: true });
});

const rows = async () => Number((await client.query('select count(*) as n from readings')).rows[0].n);

async function started(baseline: Baseline) {
  const [mqttPort, httpPort] = [await freePort(), await freePort()];
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  const plan = { baseline, tlsDir, mqttPort, httpPort, database: database.url, redis: redisUrl };
  const monolith = await startMonolithProcess({ ...plan, redisPrefix: `${baseline}:` });
  const connection = await openConnection({
    target: { host: '127.0.0.1', port: mqttPort },
    device: { id: device, credentials },
  });
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${httpPort}/devices/${device}/${path}`)).json();
  return { monolith, connection, get };
}

/** Sends `count` readings and says which packets are acknowledged; `all` resolves with the last. */
function publish(connection: LoadConnection, count: number) {
  const template = publishTemplate(`/devices/${device}/events`, 1, 150);
  const acknowledged: number[] = [];
  const all = new Promise<void>((resolve) => {
    connection.onPuback((id) => {
      if (acknowledged.push(id) === count) resolve();
    });
  });
  const ts = Date.now();
  for (let i = 0; i < count; i++) connection.write(template.fill(i + 1, ts, i));
  return { acknowledged, all, ts };
}

test.each<Baseline>(['B0', 'B1'])(
  '%s acknowledges rows that are committed, with the newest state beside them',
  async (baseline) => {
    await client.query('truncate readings');
    const { monolith, connection, get } = await started(baseline);
    try {
      const { all, ts } = publish(connection, 200);
      await all;
      expect(await rows()).toBe(200);
      expect(await get('state')).toMatchObject({ ts: String(ts), seq: String(1_000_000_199) });
      expect(await get('history')).toHaveLength(100);
    } finally {
      await connection.close();
      await monolith.stop();
    }
  },
);

test.each<Baseline>(['B0', 'B1'])(
  '%s acknowledges nothing while the table is locked, and all of it after',
  async (baseline) => {
    await client.query('truncate readings');
    const { monolith, connection } = await started(baseline);
    const locker = new pg.Client({ connectionString: database.url });
    await locker.connect();
    try {
      await locker.query('begin');
      await locker.query('lock table readings in access exclusive mode');
      const { acknowledged, all } = publish(connection, 30);
      // Until an insert waits for the lock, its message is only on its way.
      for (;;) {
        const { rowCount } = await locker.query(
          "select 1 from pg_locks where not granted and relation = 'readings'::regclass",
        );
        if ((rowCount ?? 0) > 0) break;
      }
      expect(acknowledged).toEqual([]);
      await locker.query('commit');
      await all;
      expect(await rows()).toBe(30);
    } finally {
      await locker.end();
      await connection.close();
      await monolith.stop();
    }
  },
);

test('commits are slow for everybody while it works, and as before afterwards, also when it fails', async () => {
  const delay = async () => Object.values((await client.query('show commit_delay')).rows[0]).join('');
  await expect(
    withSlowCommits(postgres.core, 20, async () => {
      await expect.poll(delay).toBe('20000');
      expect(await measuredCommitMs(database.url)).toBeGreaterThan(20);
      throw new Error('interrupted');
    }),
  ).rejects.toThrow('interrupted');
  await expect.poll(delay).toBe('0');
});

test('a second run starts from an empty database, and nothing is left of it', async () => {
  await client.end();
  database = await monolithDatabase(postgres.core, quietLog);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  expect(await rows()).toBe(0);
  await client.end();
  await database.drop();
  client = new pg.Client({ connectionString: postgres.core });
  await client.connect();
  const { rowCount } = await client.query("select 1 from pg_database where datname = 'bench_monolith'");
  expect(rowCount).toBe(0);
});
