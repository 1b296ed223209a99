import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Registry } from 'prom-client';
import type { LifecycleEvent } from '../../runtime/contracts/bus.ts';
import { DevicesSettings } from '../../runtime/contracts/settings/services.ts';
import { ensureLocalAuthority } from '../../runtime/devices/authority/local-authority.ts';
import { type DevicesService, startDevices } from '../../runtime/devices/service.ts';
import { startPubSubServer } from '../../runtime/local/pubsub/server.ts';
import { startRedisStandIn } from '../../runtime/local/redis/server.ts';
import { createBusClient } from '../../runtime/platform/bus/client.ts';
import { ensureBus } from '../../runtime/platform/bus/ensure.ts';
import { type Cache, connectCache } from '../../runtime/platform/cache/cache.ts';
import type { Log } from '../../runtime/platform/service/log.ts';
import { readSettings } from '../../runtime/platform/service/settings.ts';
import { calledSettings } from '../support/identity.ts';
import { quietLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { type TestPostgres, testPostgres } from '../support/postgres.ts';

export type DevicesStand = {
  postgres: TestPostgres;
  core: pg.Pool;
  cache: Cache;
  redis: { stop(): Promise<void>; start(): Promise<void> };
  service: DevicesService;
  caDir: string;
  publish(events: readonly LifecycleEvent[]): Promise<void>;
  stop(): Promise<void>;
};

/**
 * The devices service in this process on real parts: Postgres, Pub/Sub server, Redis stand-in, a new authority.
 * @param authority settings that name another one, by the URL of the core database
 */
export async function devicesStand(
  log: Log = quietLog,
  authority?: (coreUrl: string) => Promise<Record<string, string>>,
): Promise<DevicesStand> {
  const postgres = await testPostgres();
  const dir = await mkdtemp(join(tmpdir(), 'iot-test-devices-'));
  const caDir = join(dir, 'ca');
  await ensureLocalAuthority(caDir);
  const pubsub = await startPubSubServer({ dataDir: join(dir, 'pubsub'), port: await freePort() });
  const bus = createBusClient({ IOT_PUBSUB_PROJECT: 'test-project', PUBSUB_EMULATOR_HOST: pubsub.host });
  await ensureBus(bus, 'iot');
  const redisPort = await freePort();
  let standIn: Awaited<ReturnType<typeof startRedisStandIn>> | undefined = await startRedisStandIn({ port: redisPort });
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  const cache = connectCache({ url: redisUrl }, { log: quietLog, name: 'test' });
  await cache.upWithin(5_000);
  const settings = readSettings('devices', DevicesSettings, {
    IOT_INSTANCE: 'devices',
    IOT_HEALTH_PORT: String(await freePort()),
    IOT_HTTP_PORT: String(await freePort()),
    ...calledSettings,
    IOT_CORE_DATABASE_URL: postgres.as('devices').core,
    IOT_REDIS_URL: redisUrl,
    IOT_PUBSUB_PROJECT: 'test-project',
    PUBSUB_EMULATOR_HOST: pubsub.host,
    ...(authority === undefined ? { IOT_CA_DIR: caDir } : await authority(postgres.core)),
  });
  const service = await startDevices({ settings, log, metrics: new Registry() }, { checkAnswers: true });
  const core = new pg.Pool({ connectionString: postgres.core, max: 4 });
  core.on('error', () => undefined); // the server stops before the pool in one test
  return {
    postgres,
    core,
    cache,
    service,
    caDir,
    redis: {
      async stop() {
        await standIn?.close();
        standIn = undefined;
      },
      async start() {
        standIn ??= await startRedisStandIn({ port: redisPort });
      },
    },
    async publish(events) {
      await bus.publisher.publish({
        topic: bus.topicPath('iot', 'lifecycle'),
        messages: events.map((event) => ({ data: Buffer.from(JSON.stringify(event)) })),
      });
    },
    async stop() {
      await service.stop();
      await core.end();
      await cache.close();
      await standIn?.close();
      await bus.close();
      await pubsub.close();
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Asks again until `ask` says yes; what is awaited happens behind another part's queue. */
export async function until(what: string, ask: () => Promise<boolean> | boolean, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
