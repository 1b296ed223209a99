import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { Registry } from 'prom-client';
import { TelemetrySettings } from '../../runtime/contracts/settings/services.ts';
import { startRedisStandIn } from '../../runtime/local/redis/server.ts';
import { type Cache, connectCache } from '../../runtime/platform/cache/cache.ts';
import { keepPartitions, makePartitionsFor } from '../../runtime/platform/database/partition-keeper.ts';
import { firstShardMap, logicalShard } from '../../runtime/platform/database/shards.ts';
import { readSettings } from '../../runtime/platform/service/settings.ts';
import { startTelemetry, type TelemetryService } from '../../runtime/telemetry/service.ts';
import { calledSettings, callingSettings } from '../support/identity.ts';
import { quietLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { type TestPostgres, testPostgres } from '../support/postgres.ts';

export type Reading = { ts: number; seq?: number; values: Record<string, unknown> };
export type TelemetryStand = {
  postgres: TestPostgres;
  cache: Cache;
  redis: { stop(): Promise<void>; start(): Promise<void> };
  service: TelemetryService;
  /** Pool of the database that holds a device. */
  poolOf(device: string): pg.Pool;
  pool(name: string): pg.Pool;
  /** A device id that lives in this database. */
  deviceIn(database: string, name: string): string;
  store(device: string, readings: readonly Reading[], tenant?: string): Promise<void>;
  /** What the stub of the devices service knows and answers; null: it is away. */
  devices: { known: Set<string>; counts: Record<string, number> | null };
  /** Text of `/metrics` that is scraped as `gateway` and `processor`; null: it is away. */
  metrics: Record<'gateway' | 'processor', string | null>;
  stop(): Promise<void>;
};

const map = firstShardMap(['shard_a', 'shard_b']);

/** The telemetry service in this process on real Postgres and the Redis stand-in; stubs for the parts it asks by HTTP. */
export async function telemetryStand(): Promise<TelemetryStand> {
  const postgres = await testPostgres();
  const pools = Object.fromEntries(
    Object.entries(postgres.shards).map(([name, url]) => {
      const pool = new pg.Pool({ connectionString: url, max: 4 });
      pool.on('error', () => undefined); // a test takes databases away
      return [name, pool];
    }),
  );
  for (const pool of Object.values(pools))
    await keepPartitions(pool, Date.now(), { readings: 30, rollups: 400 }, quietLog);
  const redisPort = await freePort();
  let standIn: Awaited<ReturnType<typeof startRedisStandIn>> | undefined = await startRedisStandIn({ port: redisPort });
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  const cache = connectCache({ url: redisUrl }, { log: quietLog, name: 'test' });
  await cache.upWithin(5_000);

  const devices: TelemetryStand['devices'] = { known: new Set(), counts: { devices: 0, connected: 0, blocked: 0 } };
  const metrics: TelemetryStand['metrics'] = { gateway: '', processor: '' };
  const stub = createServer((request, response) => {
    const path = request.url ?? '';
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const part = path.slice(1).replace('/metrics', '');
    if (part === 'gateway' || part === 'processor') {
      const text = metrics[part];
      return void (text === null ? response.writeHead(500).end() : response.writeHead(200).end(text));
    }
    if (devices.counts === null) return void request.socket.destroy();
    if (path === '/internal/counts') return void json(200, devices.counts);
    const id = decodeURIComponent(path.replace('/internal/v1/devices/', ''));
    json(devices.known.has(id) ? 200 : 404, {});
  });
  const stubPort = await freePort();
  await new Promise<void>((resolve) => stub.listen(stubPort, '127.0.0.1', resolve));
  const stubUrl = `http://127.0.0.1:${(stub.address() as AddressInfo).port}`;

  const settings = readSettings('telemetry', TelemetrySettings, {
    IOT_INSTANCE: 'telemetry',
    IOT_HEALTH_PORT: String(await freePort()),
    IOT_HTTP_PORT: String(await freePort()),
    IOT_CORE_DATABASE_URL: postgres.as('telemetry').core,
    IOT_SHARD_DATABASE_URLS: Object.entries(postgres.as('telemetry').shards)
      .map(([name, url]) => `${name}=${url}`)
      .join(','),
    IOT_REDIS_URL: redisUrl,
    IOT_PUBSUB_PROJECT: 'test-project',
    ...calledSettings,
    ...callingSettings('telemetry'),
    IOT_DEVICES_URL: stubUrl,
    IOT_FAN_OUT_MS: '1000',
    IOT_SCRAPE: `gateway=${stubUrl}/gateway/metrics,processor=${stubUrl}/processor/metrics`,
  });
  const service = await startTelemetry({ settings, log: quietLog, metrics: new Registry() }, { checkAnswers: true });
  const databaseOf = (device: string, tenant = 'main') => map.databases[logicalShard(tenant, device)] as string;
  const pool = (name: string) => pools[name] as pg.Pool;
  return {
    postgres,
    cache,
    service,
    devices,
    metrics,
    pool,
    poolOf: (device) => pool(databaseOf(device)),
    deviceIn(database, name) {
      for (let n = 0; ; n++) if (databaseOf(`${name}-${n}`) === database) return `${name}-${n}`;
    },
    async store(device, readings, tenant = 'main') {
      await makePartitionsFor(pool(databaseOf(device, tenant)), readings);
      await pool(databaseOf(device, tenant)).query(
        `insert into readings (tenant, device_id, ts, seq, values, message, received_at)
         select $1, $2, to_timestamp(ts / 1000), seq, values, 'message', to_timestamp(ts / 1000)
         from unnest($3::float8[], $4::bigint[], $5::jsonb[]) as r (ts, seq, values)
         on conflict do nothing`,
        [
          tenant,
          device,
          readings.map((r) => r.ts),
          readings.map((r) => r.seq ?? 0),
          readings.map((r) => JSON.stringify(r.values)),
        ],
      );
    },
    redis: {
      async stop() {
        await standIn?.close();
        standIn = undefined;
      },
      async start() {
        standIn ??= await startRedisStandIn({ port: redisPort });
      },
    },
    async stop() {
      await service.stop();
      stub.closeAllConnections();
      await new Promise((resolve) => stub.close(resolve));
      await cache.close();
      await standIn?.close();
      await Promise.all(Object.values(pools).map((p) => p.end()));
      await postgres.stop();
    },
  };
}
