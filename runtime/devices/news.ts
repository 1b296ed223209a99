import type { LiveEvent } from '../contracts/bus.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { toCacheError } from '../platform/cache/errors.ts';
import { liveChannel } from '../platform/cache/keys.ts';
import type { Log } from '../platform/service/log.ts';
import type { CommandRow } from './commands/rows.ts';

/** Live events of one tenant, for pages that are open. Best effort and not awaited. */
export function publishLive(cache: Cache, tenant: string, events: readonly LiveEvent[], log: Log): void {
  if (events.length === 0) return;
  cache
    .publish(liveChannel(tenant), JSON.stringify(events))
    .catch((error: unknown) => log.debug({ error: toCacheError(error).message }, 'live events not published'));
}

export function publishCommands(cache: Cache, rows: readonly CommandRow[], log: Log): void {
  const byTenant = new Map<string, LiveEvent[]>();
  for (const row of rows) {
    const events = byTenant.get(row.tenant) ?? [];
    byTenant.set(row.tenant, events);
    const at = (row.finished_at ?? row.acknowledged_at ?? row.sent_at ?? row.created_at).getTime();
    events.push({ type: 'command', device: row.device_id, command: row.id, status: row.status, at });
  }
  for (const [tenant, events] of byTenant) publishLive(cache, tenant, events, log);
}
