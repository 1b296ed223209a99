import { ProcessorSettings } from '../contracts/settings/services.ts';
import { createBusClient } from '../platform/bus/client.ts';
import { connectCache } from '../platform/cache/cache.ts';
import { cacheSettings } from '../platform/cache/from-settings.ts';
import { createPool } from '../platform/database/pool.ts';
import { openShardPools } from '../platform/database/shard-pools.ts';
import { runService } from '../platform/service/run.ts';
import { startTracing } from '../platform/service/trace.ts';
import { startChores } from './chores.ts';
import { startDeadLetterKeeper } from './dead-letter-keeper.ts';
import { startProcessor } from './processor.ts';

const poolBounds = { application: 'processor', connectMs: 3_000, statementMs: 10_000 };

await runService({
  service: 'processor',
  schema: ProcessorSettings,
  env: process.env,
  stopWithinMs: 25_000,
  async start({ settings, log, metrics }) {
    const tracing = startTracing(settings, 'processor');
    const bounds = { ...poolBounds, google: settings.IOT_GOOGLE_ENDPOINT };
    const core = createPool({ ...bounds, name: 'core', url: settings.IOT_CORE_DATABASE_URL, max: 4 }, log);
    const shards = await openShardPools(
      { core, urls: settings.IOT_SHARD_DATABASE_URLS, pool: { ...bounds, max: 6 } },
      log,
    );
    const cache = connectCache(cacheSettings(settings), { log, name: settings.IOT_INSTANCE });
    const bus = createBusClient(settings);
    const keepDays = {
      readings: settings.IOT_RETENTION_DAYS,
      rollups: settings.IOT_ROLLUP_RETENTION_DAYS,
      resolvedLetters: settings.IOT_RESOLVED_LETTER_DAYS,
    };
    const processor = startProcessor(
      {
        subscription: bus.subscriptionPath(settings.IOT_NAMESPACE, 'telemetry-processor'),
        batchRows: settings.IOT_BATCH_ROWS,
        batchMs: settings.IOT_BATCH_MS,
        maxOutstandingMessages: settings.IOT_MAX_OUTSTANDING_MESSAGES,
        maxOutstandingBytes: 134_217_728,
        retentionDays: settings.IOT_RETENTION_DAYS,
      },
      { bus, core, shards, cache, metrics, tracing, log },
    );
    const keeper = startDeadLetterKeeper(
      {
        bus,
        subscription: bus.subscriptionPath(settings.IOT_NAMESPACE, 'telemetry-dead-letters-keeper'),
        shards,
        onKept: (letters) => processor.metrics.deadLetters.inc({ reason: 'delivery-attempts' }, letters),
      },
      log,
    );
    const chores = startChores({ core, shards, cache, processor, keepDays, log });
    return {
      health: {
        live: () => true,
        notReady: () => (processor.status().connected ? [] : ['bus']),
      },
      async stop() {
        await Promise.all([chores.stop(), keeper.stop(5_000), processor.stop(7_000)]);
        await Promise.all([shards.stop(), core.end(), cache.close(), bus.close(), tracing.stop()]);
      },
    };
  },
});
