import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Cache } from '../platform/cache/cache.ts';
import { CacheError } from '../platform/cache/errors.ts';
import { stateEpochKey } from '../platform/cache/keys.ts';
import type { ShardPools } from '../platform/database/shard-pools.ts';
import type { Log } from '../platform/service/log.ts';
import { writeStates } from './state-writer.ts';

type Newest = { tenant: string; device: string; ts: number; seq: number; json: string };

/**
 * Writes marked states again from their newest rows, a page a turn. A mark made anew meanwhile stays.
 * @returns how many marks are gone.
 */
export async function repairStates(pool: pg.Pool, cache: Cache, ttlSeconds: number, max = 500): Promise<number> {
  if (cache.status() === 'down') return 0;
  const { rows: marks } = await pool.query<{ tenant: string; device_id: string; marked_at: string }>(
    'select tenant, device_id, marked_at::text from state_repairs order by marked_at limit $1',
    [max],
  );
  if (marks.length === 0) return 0;
  const failed = await writeNewest(
    pool,
    cache,
    marks.map((m) => ({ tenant: m.tenant, device: m.device_id })),
    ttlSeconds,
  );
  const mended = marks.filter((mark) => !failed.has(`${mark.tenant}/${mark.device_id}`));
  await pool.query(
    `delete from state_repairs r using unnest($1::text[], $2::text[], $3::timestamptz[]) as i (tenant, device_id, marked_at)
     where r.tenant = i.tenant and r.device_id = i.device_id and r.marked_at = i.marked_at`,
    [mended.map((m) => m.tenant), mended.map((m) => m.device_id), mended.map((m) => m.marked_at)],
  );
  return mended.length;
}

/**
 * Redis keeps a word that says its states are complete. A flush takes the word with them; then every device's newest
 * row is written again, page by page from the registry, and the word is set when the end is reached and nobody flushed
 * meanwhile. New readings go on being written beside it: the script keeps whatever is newer.
 * @returns whether states were rebuilt.
 */
export async function healStates(
  options: { cache: Cache; core: pg.Pool; shards: ShardPools; ttlSeconds: number; log: Log; now: () => number },
  pageSize = 500,
): Promise<boolean> {
  const { cache, core, shards, ttlSeconds, log, now } = options;
  if (cache.status() === 'down') return false;
  const word = await cache.redis.get(stateEpochKey());
  if (word !== null && !isAbandoned(word, now())) return false;
  const id = randomUUID();
  const progress = () => cache.redis.set(stateEpochKey(), `building ${id} ${now()}`, 'EX', ttlSeconds);
  await progress();
  log.info('newest states are gone from Redis; rebuilding them from Postgres');
  let devices = 0;
  for (let after: [string, string] = ['', '']; ; ) {
    const { rows } = await core.query<{ tenant: string; id: string }>(
      'select tenant, id from devices where (tenant, id) > ($1, $2) order by tenant, id limit $3',
      [...after, pageSize],
    );
    const last = rows.at(-1);
    if (last === undefined) break;
    after = [last.tenant, last.id];
    const byDatabase = Map.groupBy(rows, (row) => shards.databaseOf(row.tenant, row.id));
    for (const [name, some] of byDatabase) {
      const page = some.map((row) => ({ tenant: row.tenant, device: row.id }));
      const failed = await writeNewest(shards.pool(name), cache, page, ttlSeconds);
      if (failed.size > 0) throw new CacheError('away', `Redis did not take ${failed.size} states of a rebuild`);
    }
    devices += rows.length;
    const current = await cache.redis.get(stateEpochKey());
    if (current?.includes(id) !== true) return true; // flushed again, or another processor took over: next turn sees
    await progress();
  }
  await cache.redis.set(stateEpochKey(), `complete ${id} ${now()}`);
  log.info({ devices }, 'newest states rebuilt');
  return true;
}

/** A processor that died while it rebuilt leaves its word behind; a minute without progress, and another begins anew. */
export function isAbandoned(word: string, now: number): boolean {
  const [kind, , at] = word.split(' ');
  return kind === 'building' && now - Number(at) > 60_000;
}

/** @returns keys (`tenant/device`) of states that Redis did not take. */
async function writeNewest(
  pool: pg.Pool,
  cache: Cache,
  devices: readonly { tenant: string; device: string }[],
  ttlSeconds: number,
): Promise<Set<string>> {
  const { rows } = await pool.query<{ tenant: string; device: string; ts: Date; seq: string; json: string }>(
    `select i.tenant, i.device, r.ts, r.seq, r.values::text as json
     from unnest($1::text[], $2::text[]) as i (tenant, device)
     cross join lateral (select ts, seq, values from readings r
       where r.tenant = i.tenant and r.device_id = i.device order by ts desc, seq desc limit 1) r`,
    [devices.map((d) => d.tenant), devices.map((d) => d.device)],
  );
  const newest: Newest[] = rows.map((row) => ({ ...row, ts: row.ts.getTime(), seq: Number(row.seq) }));
  if (newest.length === 0) return new Set();
  const results = await writeStates(cache, newest, ttlSeconds);
  const failed = newest.filter((_, i) => typeof results[i] !== 'boolean');
  return new Set(failed.map((row) => `${row.tenant}/${row.device}`));
}
