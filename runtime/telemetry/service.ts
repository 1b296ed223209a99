import type { z } from 'zod';
import { telemetryOperations } from '../contracts/http/telemetry.ts';
import type { TelemetrySettings } from '../contracts/settings/services.ts';
import { connectCache } from '../platform/cache/cache.ts';
import { cacheSettings } from '../platform/cache/from-settings.ts';
import { createPool } from '../platform/database/pool.ts';
import { openShardPools } from '../platform/database/shard-pools.ts';
import { type HttpServer, serveOperations } from '../platform/http/serve.ts';
import { openCallers } from '../platform/identity/callers.ts';
import { openServiceToken } from '../platform/identity/service-token.ts';
import type { Running, ServiceContext } from '../platform/service/run.ts';
import { startTracing, type Tracing } from '../platform/service/trace.ts';
import { createAudit } from './audit.ts';
import { createDevicesClient } from './devices-client.ts';
import { parseTargets, startScraper } from './fleet/scraper.ts';
import { createTotals } from './fleet/totals.ts';
import { telemetryHandlers } from './handlers.ts';
import { guardShards } from './stores.ts';

export type Settings = Readonly<z.output<typeof TelemetrySettings>>;
export type TelemetryService = Running & Pick<HttpServer, 'port' | 'routes'>;

const statementMs = 5_000;

/** Queries: newest state, history, fleet, alerts, dead letters. It writes what people do with alerts and dead letters, and their audit lines. */
export async function startTelemetry(
  { settings, log, metrics }: ServiceContext<Settings>,
  options: { checkAnswers?: boolean; clock?: () => number; tracing?: Tracing } = {},
): Promise<TelemetryService> {
  const { clock = Date.now, tracing = startTracing(settings, 'telemetry'), ...serving } = options;
  const targets = parseTargets(settings.IOT_SCRAPE);
  const application = settings.IOT_INSTANCE;
  const bounds = { application, connectMs: 2_000, statementMs, google: settings.IOT_GOOGLE_ENDPOINT };
  const core = createPool({ ...bounds, name: 'core', url: settings.IOT_CORE_DATABASE_URL, max: 2 }, log);
  const shards = await openShardPools(
    { core, urls: settings.IOT_SHARD_DATABASE_URLS, pool: { ...bounds, max: 8 } },
    log,
  );
  const stores = guardShards(shards, settings.IOT_FAN_OUT_MS, log);
  const cache = connectCache(cacheSettings(settings), { log, name: application });
  const identity = openServiceToken(settings.IOT_IDENTITY_DIR, 'devices');
  const devices = createDevicesClient({ url: settings.IOT_DEVICES_URL, identity }, log, tracing);
  const scraper = startScraper(targets, clock, log);
  const totals = createTotals(stores, clock);
  const http = await serveOperations({
    service: 'telemetry',
    callers: openCallers('telemetry', settings, log),
    operations: telemetryOperations,
    handlers: telemetryHandlers({ audit: createAudit(core, log), stores, cache, devices, scraper, totals, clock }),
    log,
    metrics,
    tracing,
    bind: settings.IOT_BIND,
    port: settings.IOT_HTTP_PORT,
    ...serving,
  });
  return {
    port: http.port,
    routes: http.routes,
    health: {
      live: () => true,
      // One shard away leaves the other shards' devices; all away leave nobody.
      notReady: () => (stores.away().length === shards.names().length ? ['shard databases'] : []),
    },
    async stop() {
      await http.close();
      await scraper.stop();
      devices.close();
      await Promise.all([cache.close(), shards.stop(), core.end(), tracing.stop()]);
    },
  };
}
