import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { DevicesSettings, TelemetrySettings } from '../../runtime/contracts/settings/services.ts';
import { ensureLocalAuthority } from '../../runtime/devices/authority/local-authority.ts';
import { startDevices } from '../../runtime/devices/service.ts';
import { startPubSubServer } from '../../runtime/local/pubsub/server.ts';
import { createBusClient } from '../../runtime/platform/bus/client.ts';
import { ensureBus } from '../../runtime/platform/bus/ensure.ts';
import { readSettings } from '../../runtime/platform/service/settings.ts';
import type { Tracing } from '../../runtime/platform/service/trace.ts';
import { startTelemetry } from '../../runtime/telemetry/service.ts';
import { calledSettings, callingSettings } from '../support/identity.ts';
import { quietLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import type { TestPostgres } from '../support/postgres.ts';

/** The services behind the gateway as they are, on real Postgres and Pub/Sub; every answer is checked against its schema. */
export async function startRealServices(
  postgres: TestPostgres,
  redisUrl: string,
  tracing?: (service: string) => Tracing,
) {
  const traced = (service: string) => (tracing === undefined ? {} : { tracing: tracing(service) });
  const folder = await mkdtemp(join(tmpdir(), 'iot-test-services-'));
  const pubsub = await startPubSubServer({ dataDir: join(folder, 'pubsub'), port: await freePort() });
  const bus = { IOT_PUBSUB_PROJECT: 'test-project', PUBSUB_EMULATOR_HOST: pubsub.host };
  const client = createBusClient(bus);
  await ensureBus(client, 'iot');
  await client.close();
  await ensureLocalAuthority(join(folder, 'ca'));
  const [devicesPort, telemetryPort] = [await freePort(), await freePort()];
  const common = { ...bus, ...calledSettings, IOT_HEALTH_PORT: '1', IOT_REDIS_URL: redisUrl };
  const devices = await startDevices(
    {
      settings: readSettings('devices', DevicesSettings, {
        ...common,
        IOT_INSTANCE: 'devices',
        IOT_CORE_DATABASE_URL: postgres.as('devices').core,
        IOT_HTTP_PORT: String(devicesPort),
        IOT_CA_DIR: join(folder, 'ca'),
      }),
      log: quietLog,
      metrics: new Registry(),
    },
    { checkAnswers: true, ...traced('devices') },
  );
  const telemetry = await startTelemetry(
    {
      settings: readSettings('telemetry', TelemetrySettings, {
        ...common,
        IOT_INSTANCE: 'telemetry',
        IOT_CORE_DATABASE_URL: postgres.as('telemetry').core,
        IOT_HTTP_PORT: String(telemetryPort),
        ...callingSettings('telemetry'),
        IOT_DEVICES_URL: `http://127.0.0.1:${devicesPort}`,
        IOT_SHARD_DATABASE_URLS: Object.entries(postgres.as('telemetry').shards)
          .map(([name, url]) => `${name}=${url}`)
          .join(','),
      }),
      log: quietLog,
      metrics: new Registry(),
    },
    { checkAnswers: true, ...traced('telemetry') },
  );
  return {
    services: { devices, telemetry },
    devicesUrl: `http://127.0.0.1:${devicesPort}`,
    telemetryUrl: `http://127.0.0.1:${telemetryPort}`,
    async stop() {
      await telemetry.stop();
      await devices.stop();
      await pubsub.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
