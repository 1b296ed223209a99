import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { Registry } from 'prom-client';
import type { DeviceType } from '../../runtime/contracts/device-type.ts';
import { genericDeviceType } from '../../runtime/contracts/device-type.ts';
import { startPubSubServer } from '../../runtime/local/pubsub/server.ts';
import { type StandIn, startRedisStandIn } from '../../runtime/local/redis/server.ts';
import { type BusClient, createBusClient } from '../../runtime/platform/bus/client.ts';
import { ensureBus } from '../../runtime/platform/bus/ensure.ts';
import { type Cache, connectCache } from '../../runtime/platform/cache/cache.ts';
import { keepPartitions } from '../../runtime/platform/database/partition-keeper.ts';
import { createPool } from '../../runtime/platform/database/pool.ts';
import { openShardPools, type ShardPools } from '../../runtime/platform/database/shard-pools.ts';
import { startTracing, type Tracing } from '../../runtime/platform/service/trace.ts';
import { type Processor, type ProcessorSettings, startProcessor } from '../../runtime/processor/processor.ts';
import { quietLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { type TestPostgres, testPostgres } from '../support/postgres.ts';

export type Stand = {
  postgres: TestPostgres;
  bus: BusClient;
  /** Value for PUBSUB_EMULATOR_HOST. */
  host: string;
  core: pg.Pool;
  shards: ShardPools;
  /** The same as the processor sees them: with its login and its rights alone. */
  own: { core: pg.Pool; shards: ShardPools };
  cache: Cache;
  redis: { stop(): Promise<void>; start(): Promise<void>; url: string };
  /** A topic and a subscription nobody else uses; `telemetry-processor`'s own settings, unless told. */
  namespace(): Promise<string>;
  start(
    namespace: string,
    settings?: Partial<ProcessorSettings>,
    shards?: ShardPools,
    tracing?: Tracing,
  ): Processor & { registry: Registry };
  publish(namespace: string, messages: readonly Outgoing[]): Promise<void>;
  device(type?: DeviceType): Promise<string>;
  /** A device that lives in this database. */
  deviceIn(database: string, type?: DeviceType): Promise<string>;
  stop(): Promise<void>;
};

export type Outgoing = {
  device: string;
  body: unknown;
  message?: string;
  received?: number;
  kind?: 'events' | 'state';
};

export const newMessageId = () => randomUUID().replaceAll('-', '');

/** Real Postgres, our Pub/Sub server, the Redis stand-in; the processor in this process. */
export async function stand(): Promise<Stand> {
  const postgres = await testPostgres();
  const dataDir = await mkdtemp(join(tmpdir(), 'iot-test-bus-'));
  const server = await startPubSubServer({ dataDir, port: await freePort() });
  const bus = createBusClient({ IOT_PUBSUB_PROJECT: 'test-project', PUBSUB_EMULATOR_HOST: server.host });
  const core = createPool({ name: 'core', url: postgres.core, application: 'test', max: 4, ...poolTimes }, quietLog);
  const shards = await openShardPools(
    { core, urls: postgres.shards, pool: { application: 'test', max: 6, ...poolTimes } },
    quietLog,
  );
  // The processor's own, with its login's rights; the test looks on as the owner.
  const login = postgres.as('processor');
  const ownCore = createPool(
    { name: 'core', url: login.core, application: 'processor', max: 4, ...poolTimes },
    quietLog,
  );
  const ownShards = await openShardPools(
    { core: ownCore, urls: login.shards, pool: { application: 'processor', max: 6, ...poolTimes } },
    quietLog,
  );
  for (const name of shards.names())
    await keepPartitions(shards.pool(name), Date.now(), { readings: 30, rollups: 400 }, quietLog);
  const redisPort = await freePort();
  let standIn: StandIn | undefined = await startRedisStandIn({ port: redisPort });
  const redis = {
    url: `redis://127.0.0.1:${redisPort}`,
    async stop() {
      await standIn?.close();
      standIn = undefined;
    },
    async start() {
      standIn ??= await startRedisStandIn({ port: redisPort });
    },
  };
  const cache = connectCache({ url: redis.url }, { log: quietLog, name: 'test' });
  await cache.upWithin(5_000);

  const device = async (type: DeviceType = genericDeviceType, database?: string): Promise<string> => {
    await core.query(
      `insert into device_types (tenant, id, definition) values ('main', $1, $2)
       on conflict (tenant, id) do update set definition = excluded.definition, version = device_types.version + 1
       where device_types.definition <> excluded.definition`,
      [type.id, type],
    );
    let id: string;
    do id = `dev-${randomUUID().slice(0, 13)}`;
    while (database !== undefined && shards.databaseOf('main', id) !== database);
    await core.query("insert into devices (tenant, id, name, type) values ('main', $1, $1, $2)", [id, type.id]);
    return id;
  };

  return {
    postgres,
    bus,
    host: server.host,
    core,
    shards,
    own: { core: ownCore, shards: ownShards },
    cache,
    redis,
    async namespace() {
      const namespace = `t${randomUUID().slice(0, 8)}`;
      await ensureBus(bus, namespace);
      return namespace;
    },
    start(namespace, settings = {}, own = ownShards, tracing = startTracing(untraced, 'processor')) {
      const registry = new Registry();
      const processor = startProcessor(
        {
          subscription: bus.subscriptionPath(namespace, 'telemetry-processor'),
          batchRows: 500,
          batchMs: 5,
          maxOutstandingMessages: 10_000,
          maxOutstandingBytes: 67_108_864,
          retentionDays: 30,
          ...settings,
        },
        {
          bus,
          core: ownCore,
          shards: own,
          cache,
          metrics: registry,
          tracing,
          log: quietLog,
        },
      );
      return { ...processor, registry };
    },
    async publish(namespace, messages) {
      const topic = bus.topicPath(namespace, 'telemetry');
      for (let at = 0; at < messages.length; at += 500)
        await bus.publisher.publish({
          topic,
          messages: messages.slice(at, at + 500).map((m) => ({
            data: Buffer.isBuffer(m.body) ? m.body : Buffer.from(JSON.stringify(m.body)),
            attributes: {
              v: '1',
              tenant: 'main',
              device: m.device,
              kind: m.kind ?? 'events',
              message: m.message ?? newMessageId(),
              received: String(m.received ?? Date.now()),
            },
          })),
        });
    },
    device: (type) => device(type),
    deviceIn: (database, type) => device(type, database),
    async stop() {
      await cache.close();
      await redis.stop();
      await Promise.all([shards.stop(), ownShards.stop()]);
      await Promise.all([core.end(), ownCore.end()]);
      await bus.close();
      await server.close();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
const untraced = { IOT_INSTANCE: 'processor', IOT_TRACE_RATIO: 0 };
const poolTimes = { connectMs: 2_000, statementMs: 5_000 };

/** Asks again until `ask` says yes; the event that is awaited is another process's, so there is nothing to listen to. */
export async function until(what: string, ask: () => Promise<boolean> | boolean, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function rowsOf(pool: pg.Pool, device: string) {
  const { rows } = await pool.query<{ ts: Date; seq: string; values: Record<string, unknown>; message: string }>(
    'select ts, seq, values, message from readings where device_id = $1 order by ts, seq',
    [device],
  );
  return rows.map((r) => ({ ...r, ts: r.ts.getTime(), seq: Number(r.seq) }));
}

export async function deadLettersOf(pool: pg.Pool, device: string) {
  const { rows } = await pool.query<{ id: string; reason: string; detail: string; payload: Buffer }>(
    'select id, reason, detail, payload from dead_letters where device_id = $1 order by reason, id',
    [device],
  );
  return rows;
}
