import type { Device } from '../contracts/http/devices.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { CacheError, toCacheError } from '../platform/cache/errors.ts';
import { presenceKey, stateKey } from '../platform/cache/keys.ts';
import type { Log } from '../platform/service/log.ts';
import { type Connection, connectionOfRow, type DeviceRow, toDevice } from './device-row.ts';

/** What Redis holds of one device: who has its connection since when, and the time of its newest reading. */
export type Presence = { gateway: string | null; epoch: number | null; readingTs: number | null };

/** Connection from presence. A reading's clock may run ahead of ours: nothing was seen in the future. */
export function connectionOf(row: DeviceRow, presence: Presence, now: number): Connection {
  const { gateway, epoch, readingTs } = presence;
  const connected = gateway !== null && epoch !== null;
  const seen = Math.max(
    connected ? epoch : 0,
    Math.min(readingTs ?? 0, now),
    row.connection_changed_at?.getTime() ?? 0,
  );
  return {
    connected,
    since: connected ? new Date(epoch).toISOString() : null,
    gateway: connected ? gateway : null,
    lastSeenAt: seen === 0 ? null : new Date(seen).toISOString(),
  };
}

export type WithConnections = { devices: Device[]; fromCache: boolean };

/** Devices with their connections, in one pipeline; from the registry's own columns when Redis does not answer. */
export async function withConnections(
  cache: Pick<Cache, 'redis' | 'status'>,
  rows: readonly DeviceRow[],
  now: number,
  log: Log,
): Promise<WithConnections> {
  if (rows.length === 0) return { devices: [], fromCache: true };
  try {
    const presences = await readPresences(cache, rows);
    return {
      devices: rows.map((row, i) => toDevice(row, connectionOf(row, presences[i] ?? nobody, now))),
      fromCache: true,
    };
  } catch (error) {
    const reason = toCacheError(error);
    log.warn({ code: reason.code, error: reason.message }, 'connections are told from the registry');
    return { devices: rows.map((row) => toDevice(row, connectionOfRow(row))), fromCache: false };
  }
}

const nobody: Presence = { gateway: null, epoch: null, readingTs: null };

/** @throws CacheError, also when one command of the pipeline failed */
export async function readPresences(
  cache: Pick<Cache, 'redis' | 'status'>,
  devices: readonly { tenant: string; id: string }[],
): Promise<Presence[]> {
  if (cache.status() === 'down') throw new CacheError('away', 'Redis is away');
  const pipeline = cache.redis.pipeline();
  for (const { tenant, id } of devices) {
    pipeline.hmget(presenceKey(tenant, id), 'gateway', 'epoch');
    pipeline.hget(stateKey(tenant, id), 'ts');
  }
  const replies = (await pipeline.exec()) ?? [];
  return devices.map((_, i) => {
    const [heldError, held] = replies[2 * i] ?? [new Error('no reply'), null];
    const [stateError, ts] = replies[2 * i + 1] ?? [new Error('no reply'), null];
    const error = heldError ?? stateError;
    if (error !== null) throw toCacheError(error);
    const [gateway, epoch] = Array.isArray(held) ? held : [];
    return { gateway: typeof gateway === 'string' ? gateway : null, epoch: whole(epoch), readingTs: whole(ts) };
  });
}

function whole(text: unknown): number | null {
  const value = typeof text === 'string' ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}
