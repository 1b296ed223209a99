import { join } from 'node:path';
import { GatewaySettings } from '../contracts/settings/services.ts';
import { createBusClient } from '../platform/bus/client.ts';
import { createPublisher } from '../platform/bus/publisher.ts';
import { connectCache } from '../platform/cache/cache.ts';
import { cacheSettings } from '../platform/cache/from-settings.ts';
import { runService } from '../platform/service/run.ts';
import { startTracing } from '../platform/service/trace.ts';
import { Gateway } from './gateway.ts';
import { SpillLog } from './spill-log.ts';

/** Nobody waits for these, and in a reconnect storm a call a connection would cost more than its resumed handshake. */
const lifecycleBatchMs = 50;

await runService({
  service: 'gateway',
  schema: GatewaySettings,
  env: process.env,
  stopWithinMs: 660_000, // the longest IOT_DRAIN_SECONDS, the longest hold, and a minute's rest
  start: async ({ settings, log, metrics }) => {
    const tracing = startTracing(settings, 'gateway');
    const bus = createBusClient(settings);
    const publisher = (topic: string, batchMs: number, eager: boolean) =>
      createPublisher(bus, {
        topic: bus.topicPath(settings.IOT_NAMESPACE, topic),
        batchMessages: settings.IOT_PUBLISH_BATCH_MESSAGES,
        batchMs,
        eager,
      });
    const cache = connectCache(cacheSettings(settings), { log, name: settings.IOT_INSTANCE });
    const spill =
      settings.IOT_SPILL === 'off'
        ? undefined
        : await SpillLog.open(join(settings.IOT_STATE_DIR, 'spill'), { maxBytes: settings.IOT_SPILL_MAX_BYTES, log });
    const { IOT_PUBLISH_BATCH_MS: batchMs, IOT_PUBLISH_EAGER: eager } = settings;
    const telemetry = publisher('telemetry', batchMs, eager);
    const updates = publisher('updates', batchMs, eager);
    const lifecycle = publisher('lifecycle', lifecycleBatchMs, false);
    const gateway = new Gateway({ settings, log, metrics, tracing, telemetry, updates, lifecycle, cache, spill });
    await gateway.start();
    return {
      health: gateway.health,
      stop: async () => {
        await gateway.stop();
        await Promise.all([bus.close(), cache.close(), tracing.stop()]);
      },
    };
  },
});
