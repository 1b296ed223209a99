import type { HistoryPoint } from '../../contracts/http/telemetry.ts';
import type { Values } from '../../contracts/telemetry.ts';
import type { Ask } from '../stores.ts';
import type { Place, Range } from './range.ts';

export type Device = { tenant: string; device: string; metric: string | undefined };

/** Readings of a range, oldest first, at most `limit`. With a metric: those that have it, with nothing else in them. */
export async function rawPoints(
  ask: Ask,
  { tenant, device, metric }: Device,
  range: Range,
  after: Place | undefined,
  limit: number,
): Promise<{ points: HistoryPoint[]; places: Place[] }> {
  const values: unknown[] = [tenant, device, iso(range.from), iso(range.to), limit];
  const where = ['tenant = $1', 'device_id = $2', 'ts >= $3', 'ts < $4'];
  let picked = 'values';
  if (metric !== undefined) {
    values.push(metric);
    const name = `$${values.length}::text`;
    where.push(`values ? ${name}`);
    picked = `jsonb_build_object(${name}, values -> ${name})`;
  }
  if (after?.r === 'raw') {
    values.push(iso(after.ts), after.seq);
    where.push(`(ts, seq) > ($${values.length - 1}::timestamptz, $${values.length}::bigint)`);
  }
  const rows = await ask<{ ts: Date; seq: string; values: Values }>(
    `select ts, seq, ${picked} as values from readings where ${where.join(' and ')} order by ts, seq limit $5`,
    values,
  );
  return {
    points: rows.map((row) => ({ ts: row.ts.toISOString(), seq: Number(row.seq), values: row.values })),
    places: rows.map((row) => ({ r: 'raw', ts: row.ts.getTime(), seq: Number(row.seq) })),
  };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
