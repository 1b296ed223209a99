import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Counter, Gauge } from 'prom-client';
import { SimulatorSettings } from '../contracts/settings/services.ts';
import { runService } from '../platform/service/run.ts';
import { createFleetApi } from './api.ts';
import { createCredentialStore } from './credentials.ts';
import { createFleet } from './fleet.ts';
import { fleetOf } from './kinds.ts';
import { openLedger } from './ledger.ts';

await runService({
  service: 'simulator',
  schema: SimulatorSettings,
  env: process.env,
  stopWithinMs: 15_000,
  async start({ settings, log, metrics }) {
    const acknowledged = new Counter({
      name: 'iot_simulator_readings_acknowledged_total',
      help: 'Readings that the gateway acknowledged',
      registers: [metrics],
    });
    const dropped = new Counter({
      name: 'iot_simulator_readings_dropped_total',
      help: 'Readings given up because a device buffer was full',
      registers: [metrics],
    });
    const credentials = createCredentialStore(join(settings.IOT_STATE_DIR, 'credentials'));
    await credentials.prepare();
    const bufferDir = join(settings.IOT_STATE_DIR, 'buffers');
    await mkdir(bufferDir, { recursive: true, mode: 0o700 });
    const ledger = settings.IOT_LEDGER ? openLedger(join(settings.IOT_STATE_DIR, 'ledger.txt')) : undefined;
    const [host = '', port = ''] = settings.IOT_MQTT.split(':');
    const fleet = createFleet({
      members: fleetOf(settings.IOT_DEVICES),
      api: createFleetApi({ api: settings.IOT_API_URL, client: { file: settings.IOT_CLIENT_FILE } }),
      apiUrl: settings.IOT_API_URL,
      enrolment: settings.IOT_ENROLMENT,
      mqtt: { host, port: Number(port) },
      ca: await readFile(settings.IOT_CA_FILE, 'utf8'),
      credentials,
      messagesPerMinute: settings.IOT_MESSAGES_PER_MINUTE,
      bufferDir,
      ...(ledger === undefined ? {} : { ledger }),
      log,
      onAck: () => acknowledged.inc(),
      onDrop: (count) => dropped.inc(count),
    });
    new Gauge({
      name: 'iot_simulator_devices_connected',
      help: 'Devices with a live connection',
      registers: [metrics],
      collect() {
        this.set(fleet.connected);
      },
    });
    const { enrolled } = await fleet.start();
    enrolled.catch((error: unknown) => {
      log.fatal({ error }, 'fleet failed');
      process.exit(1);
    });
    return {
      health: { live: () => true, notReady: () => [] },
      async stop() {
        await fleet.stop();
        ledger?.close();
      },
    };
  },
});
