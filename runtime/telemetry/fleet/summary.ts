import type { FleetSummary } from '../../contracts/http/telemetry.ts';
import type { DevicesClient } from '../devices-client.ts';
import { degradedBy, type Stores } from '../stores.ts';
import type { Scraper } from './scraper.ts';
import type { Totals } from './totals.ts';

type Deps = { stores: Stores; devices: DevicesClient; scraper: Scraper; totals: Totals };
type Who = Parameters<DevicesClient['counts']>[0];

/**
 * The fleet in numbers. Each part that is away leaves its numbers at 0 and its name in `degraded`. Rates and latencies
 * are the platform's: metrics carry no tenant.
 */
export async function fleetSummary({ stores, devices, scraper, totals }: Deps, who: Who): Promise<FleetSummary> {
  const dayAgo = new Date(Date.now() - 86_400_000).toISOString();
  const [counts, shards, total] = await Promise.all([
    devices.counts(who),
    stores.all((ask) => shardCounts(ask, who.caller.tenant, dayAgo)),
    totals.of(who.caller.tenant),
  ]);
  const { rates, missing } = scraper.now();
  const sum = (pick: (one: ShardCounts) => number) => [...shards.results.values()].reduce((n, one) => n + pick(one), 0);
  const away = [...(counts === undefined ? ['devices'] : []), ...missing];
  return {
    ...(counts ?? { devices: 0, connected: 0, blocked: 0 }),
    ...rates,
    readingsTotal: total.readings,
    deadLettersLastDay: sum((one) => one.deadLetters),
    openAlerts: sum((one) => one.openAlerts),
    ...degradedBy(away, stores.degraded([...new Set([...shards.missing, ...total.missing])])),
  };
}

type ShardCounts = { deadLetters: number; openAlerts: number };

async function shardCounts(ask: Parameters<Parameters<Stores['all']>[0]>[0], tenant: string, since: string) {
  const [row] = await ask<{ dead: string; open: string }>(
    `select (select count(*) from dead_letters where tenant = $1 and created_at >= $2) as dead,
            (select count(*) from alerts where tenant = $1 and closed_at is null) as open`,
    [tenant, since],
  );
  return { deadLetters: Number(row?.dead ?? 0), openAlerts: Number(row?.open ?? 0) };
}
