import type { telemetryOperations } from '../contracts/http/telemetry.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { problem } from '../platform/http/problem.ts';
import type { Handlers } from '../platform/http/serve.ts';
import { acknowledgeAlert, listAlerts } from './alerts.ts';
import { type Audit, acknowledgedLine } from './audit.ts';
import { deadLetterHandlers } from './dead-letters/handlers.ts';
import type { DevicesClient } from './devices-client.ts';
import { fleetAggregate } from './fleet/aggregate.ts';
import type { Scraper } from './fleet/scraper.ts';
import { fleetSummary } from './fleet/summary.ts';
import type { Totals } from './fleet/totals.ts';
import { historyPage } from './history/history.ts';
import { newestReading } from './state.ts';
import { degradedBy, type Stores } from './stores.ts';

export type Deps = {
  audit: Audit;
  stores: Stores;
  cache: Cache;
  devices: DevicesClient;
  scraper: Scraper;
  totals: Totals;
  clock: () => number;
};

export function telemetryHandlers(deps: Deps): Handlers<typeof telemetryOperations> {
  const { audit, stores, cache, devices, clock } = deps;
  return {
    getState: ({ caller, params, log }) => newestReading(stores, cache, caller.tenant, params.deviceId, log),
    getHistory: async (asked) => {
      const { caller, params, query } = asked;
      const device = params.deviceId;
      const page = await historyPage(stores.forDevice(caller.tenant, device), caller.tenant, device, query, clock());
      if (page.items.length > 0 || query.cursor !== undefined) return { device, ...page };
      // Nothing found: a device without readings, or no device? Only then is it worth asking.
      const exists = await devices.exists(asked, device);
      if (exists === false)
        throw problem(404, 'No such device', `there is no device '${device}' in tenant '${caller.tenant}'`);
      return { device, ...page, ...degradedBy(exists === undefined ? ['devices'] : [], undefined) };
    },
    getFleetSummary: (asked) => fleetSummary(deps, asked),
    getFleetAggregate: ({ caller, query }) => fleetAggregate(stores, caller.tenant, query),
    listAlerts: ({ caller, query }) => listAlerts(stores, caller.tenant, query),
    acknowledgeAlert: async (asked) => {
      const { tenant, subject } = asked.caller;
      return await audit.around(asked, async () => {
        const { alert, first } = await acknowledgeAlert(stores, tenant, asked.params.alertId, subject);
        return { result: alert, line: first ? acknowledgedLine(alert) : undefined };
      });
    },
    ...deadLetterHandlers(stores, audit),
  };
}
