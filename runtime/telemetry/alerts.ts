import { z } from 'zod';
import type { Alert } from '../contracts/http/telemetry.ts';
import { logicalShard } from '../platform/database/shards.ts';
import { decodeCursor, encodeCursor, MicroTime, microTime } from '../platform/http/cursor.ts';
import { problem } from '../platform/http/problem.ts';
import { mergeSorted, newestFirst } from './merge.ts';
import { degradedBy, type Stores } from './stores.ts';

type Row = {
  tenant: string;
  id: string;
  device_id: string;
  rule: string;
  kind: Alert['kind'];
  severity: Alert['severity'];
  detail: string;
  opened_at: Date;
  closed_at: Date | null;
  acknowledged_at: Date | null;
  acknowledged_by: string | null;
  /** `opened_at` in full, for order and cursor. */
  at: string;
};
const columns = `tenant, id, device_id, rule, kind, severity, detail, opened_at, closed_at, acknowledged_at, acknowledged_by,
  ${microTime('opened_at')} as at`;
const Place = z.strictObject({ at: MicroTime, id: z.guid() });

export type AlertFilter = {
  state?: 'open' | 'closed' | undefined;
  device?: string | undefined;
  cursor?: string | undefined;
  limit: number;
};

/** Newest first over all shards; a shard that did not answer is named. */
export async function listAlerts(stores: Stores, tenant: string, filter: AlertFilter) {
  const place = decodeCursor(Place, filter.cursor);
  const values: unknown[] = [tenant, filter.limit + 1];
  const where = ['tenant = $1'];
  if (filter.state !== undefined) where.push(filter.state === 'open' ? 'closed_at is null' : 'closed_at is not null');
  if (filter.device !== undefined) where.push(`device_id = $${values.push(filter.device)}`);
  if (place !== undefined) {
    const at = `$${values.push(place.at)}::timestamptz`;
    where.push(`opened_at <= ${at} and (opened_at < ${at} or id > $${values.push(place.id)}::uuid)`);
  }
  const text = `select ${columns} from alerts where ${where.join(' and ')} order by opened_at desc, id limit $2`;
  const { results, missing } = await stores.all((ask) => ask<Row>(text, values));
  const rows = mergeSorted([...results.values()], newestFirst, filter.limit + 1);
  const shown = rows.slice(0, filter.limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toAlert),
    next: rows.length > filter.limit && last !== undefined ? encodeCursor({ at: last.at, id: last.id }) : null,
    ...degradedBy([], stores.degraded(missing)),
  };
}

/**
 * Marks an alert as seen; the first to do so stays.
 * @returns the alert, and whether this call was the first.
 * @param alertId logical shard of its device, `-`, uuid.
 * @throws ProblemError 404
 */
export async function acknowledgeAlert(
  stores: Stores,
  tenant: string,
  alertId: string,
  subject: string,
): Promise<{ alert: Alert; first: boolean }> {
  const dash = alertId.indexOf('-');
  const id = alertId.slice(dash + 1);
  const shard = Number(alertId.slice(0, dash));
  const ask = z.guid().safeParse(id).success ? stores.forShard(shard) : undefined;
  // Several logical shards share a database: the one in the id must be the device's own before anything is written.
  const [found] =
    (await ask?.<{ device_id: string }>('select device_id from alerts where tenant = $1 and id = $2::uuid', [
      tenant,
      id,
    ])) ?? [];
  if (ask === undefined || found === undefined || logicalShard(tenant, found.device_id) !== shard)
    throw problem(404, 'No such alert', `there is no alert '${alertId}' in tenant '${tenant}'`);
  const [row] = await ask<Row & { first: boolean }>(
    `with before as (
       select id as known, acknowledged_at is null as first from alerts
       where tenant = $1 and id = $2::uuid for update)
     update alerts set acknowledged_at = coalesce(acknowledged_at, now()),
       acknowledged_by = coalesce(acknowledged_by, $3)
     from before where tenant = $1 and id = known returning ${columns}, first`,
    [tenant, id, subject],
  );
  if (row === undefined) throw problem(404, 'No such alert', `alert '${alertId}' has just been removed`);
  return { alert: toAlert(row), first: row.first };
}

function alertIdOf(row: Row): string {
  return `${logicalShard(row.tenant, row.device_id)}-${row.id}`;
}

function toAlert(row: Row): Alert {
  return {
    id: alertIdOf(row),
    device: row.device_id,
    rule: row.rule,
    kind: row.kind,
    severity: row.severity,
    state: row.closed_at === null ? 'open' : 'closed',
    openedAt: row.opened_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
    acknowledgedAt: row.acknowledged_at?.toISOString() ?? null,
    acknowledgedBy: row.acknowledged_by,
    detail: row.detail,
  };
}
