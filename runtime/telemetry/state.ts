import type { State } from '../contracts/http/telemetry.ts';
import type { Values } from '../contracts/telemetry.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { CacheError, toCacheError } from '../platform/cache/errors.ts';
import { stateKey } from '../platform/cache/keys.ts';
import { problem } from '../platform/http/problem.ts';
import type { Log } from '../platform/service/log.ts';
import { degradedBy, type Stores } from './stores.ts';

type Reading = { ts: string; seq: number; values: Values };

/**
 * A device's newest reading: from Redis; from Postgres when Redis has none (not rebuilt yet) or is away, which the
 * answer says.
 * @throws ProblemError 404 when there is no reading, 503 when neither store answers.
 */
export async function newestReading(
  stores: Stores,
  cache: Pick<Cache, 'redis' | 'status'>,
  tenant: string,
  device: string,
  log: Log,
): Promise<State> {
  const { reading: cached, away } = await fromCache(cache, tenant, device, log);
  if (cached !== undefined) return { device, ...cached, source: 'cache' };
  const stored = await fromStore(stores, tenant, device);
  if (stored === undefined)
    throw problem(404, 'No state', `device '${device}' of tenant '${tenant}' has no stored reading`);
  return { device, ...stored, source: 'store', ...degradedBy(away ? ['cache'] : [], undefined) };
}

async function fromCache(cache: Pick<Cache, 'redis' | 'status'>, tenant: string, device: string, log: Log) {
  try {
    if (cache.status() === 'down') throw new CacheError('away', 'Redis is away');
    const [ts, seq, payload] = await cache.redis.hmget(stateKey(tenant, device), 'ts', 'seq', 'payload');
    return { reading: parseCached(ts, seq, payload), away: false };
  } catch (error) {
    const reason = toCacheError(error);
    log.warn({ code: reason.code, error: reason.message }, 'state is read from the store');
    return { reading: undefined, away: true };
  }
}

/** A cached state; undefined for none, and for one that is not whole, which the store then answers for. */
export function parseCached(ts: unknown, seq: unknown, payload: unknown): Reading | undefined {
  if (typeof ts !== 'string' || typeof payload !== 'string') return undefined;
  const at = new Date(Number(ts));
  const values = jsonObject(payload);
  if (Number.isNaN(at.getTime()) || values === undefined) return undefined;
  return { ts: at.toISOString(), seq: Number(seq ?? 0), values };
}

function jsonObject(text: string): Values | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function fromStore(stores: Stores, tenant: string, device: string): Promise<Reading | undefined> {
  const [row] = await stores.forDevice(tenant, device)<{ ts: Date; seq: string; values: Values }>(
    `select ts, seq, values from readings where tenant = $1 and device_id = $2
     order by ts desc, seq desc limit 1`,
    [tenant, device],
  );
  return row === undefined ? undefined : { ts: row.ts.toISOString(), seq: Number(row.seq), values: row.values };
}
