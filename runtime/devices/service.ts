import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { accessOperations } from '../contracts/http/access.ts';
import { commandOperations } from '../contracts/http/commands.ts';
import { deviceOperations } from '../contracts/http/devices.ts';
import { enrolmentOperations } from '../contracts/http/enrolment.ts';
import { twinOperations } from '../contracts/http/twins.ts';
import type { DevicesSettings } from '../contracts/settings/services.ts';
import { createBusClient } from '../platform/bus/client.ts';
import { connectCache } from '../platform/cache/cache.ts';
import { cacheSettings } from '../platform/cache/from-settings.ts';
import { createPool } from '../platform/database/pool.ts';
import { openDocuments } from '../platform/documents/open.ts';
import { type HttpServer, serveOperations } from '../platform/http/serve.ts';
import { openCallers } from '../platform/identity/callers.ts';
import { guardStore } from '../platform/resilience/store-guard.ts';
import type { Running, ServiceContext } from '../platform/service/run.ts';
import { startTracing, type Tracing } from '../platform/service/trace.ts';
import { openIssuer } from './authority/open-issuer.ts';
import { startCompaction } from './change-compaction.ts';
import { commandHandlers } from './commands/handlers.ts';
import { startSweep } from './connection-sweep.ts';
import { guardedCore, queries } from './database.ts';
import { deliveryRoutes } from './deliveries/routes.ts';
import { guardedDocuments } from './documents.ts';
import { startDownward } from './downward.ts';
import { openClaimKey } from './enrolment/claim-key.ts';
import { deviceHandlers, internalRoutes } from './handlers.ts';
import { consumeLifecycle } from './lifecycle.ts';
import { twinDocuments } from './twin/documents.ts';
import { twinHandlers } from './twin/handlers.ts';

export type Settings = Readonly<z.output<typeof DevicesSettings>>;
export type DevicesService = Running & Pick<HttpServer, 'port' | 'routes'>;

/** Registry and identity of devices: HTTP for the API gateway, lifecycle events from the bus. */
export async function startDevices(
  { settings, log, metrics }: ServiceContext<Settings>,
  options: { checkAnswers?: boolean; tracing?: Tracing } = {},
): Promise<DevicesService> {
  const { tracing = startTracing(settings, 'devices'), ...serving } = options;
  const pool = createPool(
    {
      name: 'core',
      url: settings.IOT_CORE_DATABASE_URL,
      google: settings.IOT_GOOGLE_ENDPOINT,
      application: settings.IOT_INSTANCE,
      max: 16,
      connectMs: 2_000,
      statementMs: 5_000,
    },
    log,
  );
  const issuer = await openIssuer(settings, { core: pool, log });
  const guard = guardStore({ name: 'core', concurrent: 64 }, log);
  const core = guardedCore(pool, guard);
  const cache = connectCache(cacheSettings(settings), { log, name: settings.IOT_INSTANCE });
  const bus = createBusClient(settings);
  const lifecycle = consumeLifecycle({ bus, namespace: settings.IOT_NAMESPACE, core, metrics }, log);
  const sweep = startSweep(core, cache, log);
  const compaction = startCompaction(core, log);
  const twins = twinDocuments(guardedDocuments(openDocuments(settings, queries(core))));
  const downward = startDownward({ bus, namespace: settings.IOT_NAMESPACE, core, cache, twins, metrics, log });
  const random = (bytes: number) => randomBytes(bytes);
  const deps = {
    core,
    cache,
    clock: Date.now,
    claimKey: await openClaimKey(settings),
    issuance: { issuer, days: settings.IOT_CERTIFICATE_DAYS, clock: Date.now, random },
  };
  const http = await serveOperations({
    service: 'devices',
    callers: openCallers('devices', settings, log),
    operations: [
      ...deviceOperations,
      ...enrolmentOperations,
      ...accessOperations,
      ...twinOperations,
      ...commandOperations,
    ] as const,
    handlers: { ...deviceHandlers(deps), ...twinHandlers(downward), ...commandHandlers(downward) },
    routes: [...internalRoutes(deps), ...deliveryRoutes(downward)],
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
      notReady: () => (guard.circuit() === 'open' ? ['core database'] : []),
    },
    async stop() {
      await http.close();
      issuer.stop();
      await Promise.all([lifecycle.stop(), sweep.stop(), compaction.stop(), downward.stop()]);
      await Promise.all([cache.close(), bus.close(), pool.end(), tracing.stop()]);
    },
  };
}
