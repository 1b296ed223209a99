import type pg from 'pg';
import type { Cache } from '../platform/cache/cache.ts';
import { CacheError, toCacheError } from '../platform/cache/errors.ts';
import { liveChannel, stateKey } from '../platform/cache/keys.ts';
import { type NewestState, newestState } from '../platform/cache/scripts/newest-state.ts';
import type { Log } from '../platform/service/log.ts';
import type { Row } from './interpret.ts';
import { liveMessage, newestRows } from './newest.ts';

export type StateWriter = {
  /**
   * Brings Redis to the newest of these stored rows and tells who watches. What Redis did not take is marked in
   * `state_repairs`, so when this returns the state is either there or will be.
   * @throws when Postgres did not take the marks.
   */
  write(pool: pg.Pool, rows: readonly Row[], doubtful: readonly Row[]): Promise<void>;
};

/** With nobody listening a live message is built only this often. */
const idleProbeMs = 1_000;

/** @param ttlSeconds how long a state outlives its device's last reading: the retention. */
export function createStateWriter(cache: Cache, ttlSeconds: number, log: Log, now: () => number): StateWriter {
  const silentUntil = new Map<string, number>();

  const publish = (rows: readonly Row[]) => {
    const byTenant = Map.groupBy(rows, (row) => row.tenant);
    for (const [tenant, some] of byTenant) {
      if ((silentUntil.get(tenant) ?? 0) > now()) continue;
      cache.publish(liveChannel(tenant), liveMessage(some)).then(
        (listeners) => {
          if (listeners === 0) silentUntil.set(tenant, now() + idleProbeMs);
        },
        (error: unknown) => log.debug({ error: String(error) }, 'live states not published'),
      );
    }
  };

  return {
    async write(pool, rows, doubtful) {
      const newest = newestRows(rows, doubtful);
      const failed: { tenant: string; device: string }[] = [...doubtful];
      if (cache.status() === 'down') failed.push(...newest);
      else if (newest.length > 0) {
        const results = await writeStates(cache, newest, ttlSeconds);
        const written: Row[] = [];
        for (let i = 0; i < newest.length; i++) {
          const result = results[i];
          if (result === true) written.push(newest[i] as Row);
          else if (result instanceof CacheError) failed.push(newest[i] as Row);
        }
        if (written.length > 0) publish(written);
      }
      if (failed.length > 0) await markRepairs(pool, failed);
    },
  };
}

/** One result a row: written, already as new, or an error. */
export async function writeStates(
  cache: Cache,
  rows: readonly { tenant: string; device: string; ts: number; seq: number; json: string }[],
  ttlSeconds: number,
): Promise<(boolean | CacheError)[]> {
  const inputs: NewestState[] = rows.map(({ tenant, device, ts, seq, json }) => ({
    key: stateKey(tenant, device),
    ts,
    seq,
    payload: json,
    ttlSeconds,
  }));
  try {
    return await cache.runMany(newestState, inputs);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    const failed = toCacheError(error);
    return inputs.map(() => failed);
  }
}

/** Marks devices whose state in Redis may be behind. A mark made again is a new mark. */
export async function markRepairs(
  pool: Pick<pg.Pool, 'query'>,
  devices: readonly { tenant: string; device: string }[],
): Promise<void> {
  await pool.query(
    `insert into state_repairs (tenant, device_id)
     select distinct tenant, device from unnest($1::text[], $2::text[]) as i (tenant, device) order by 1, 2
     on conflict (tenant, device_id) do update set marked_at = clock_timestamp()`,
    [devices.map((d) => d.tenant), devices.map((d) => d.device)],
  );
}
