import type pg from 'pg';
import type { Log } from '../platform/service/log.ts';
import { type CompiledType, compileStored } from './device-type.ts';

export type DeviceTypes = {
  /** The device's type, `null` when there is no such device, `undefined` when it must be looked up first. */
  get(tenant: string, device: string): CompiledType | null | undefined;
  /** By tenant and type id, whatever devices it has; undefined when it was never seen or read. */
  ofType(tenant: string, type: string): CompiledType | undefined;
  /** Looks devices up in core; afterwards `get` answers for each. @throws when core is away. */
  lookup(devices: readonly (readonly [string, string])[]): Promise<void>;
  /** A type of a tenant changed, or this one device's: entries are read again at their next use. */
  forget(tenant: string, device?: string): void;
  stop(): void;
};

export type DeviceTypesOptions = {
  /** Devices remembered at most. */
  max?: number;
  /** An entry older than this is read again beside its use; older than `hardMs` before its use, unless core is away. */
  softMs?: number;
  hardMs?: number;
  /** How long an unknown device stays unknown. */
  unknownMs?: number;
  now: () => number;
};

type Entry = { tenant: string; device: string; type: CompiledType | null; readAt: number };

/**
 * Which type a device has: from core, remembered. A change takes effect within a minute, at once when somebody calls
 * `forget`. While core is away what is remembered stays in force; devices never seen have to wait.
 */
export function createDeviceTypes(core: Pick<pg.Pool, 'query'>, options: DeviceTypesOptions, log: Log): DeviceTypes {
  const { max = 200_000, softMs = 30_000, hardMs = 55_000, unknownMs = 1_000, now } = options;
  const entries = new Map<string, Entry>();
  const compiled = new Map<string, CompiledType>();
  let refreshing = new Map<string, Entry>();
  let refreshTimer: NodeJS.Timeout | undefined;
  let away = false;
  let forgotten = 0;

  const get: DeviceTypes['get'] = (tenant, device) => {
    const entry = entries.get(`${tenant}/${device}`);
    if (entry === undefined) return undefined;
    const age = now() - entry.readAt;
    if (entry.type === null) return age > unknownMs ? undefined : null;
    if (age > softMs) {
      if (age > hardMs && !away) return undefined;
      refreshSoon(entry);
    }
    return entry.type;
  };

  const refreshSoon = (entry: Entry) => {
    refreshing.set(`${entry.tenant}/${entry.device}`, entry);
    refreshTimer ??= setTimeout(refresh, away ? 1_000 : 50);
  };
  const refresh = () => {
    refreshTimer = undefined;
    const devices = [...refreshing.values()].map((e) => [e.tenant, e.device] as const);
    refreshing = new Map();
    lookup(devices).catch((error: unknown) =>
      log.warn(
        { error: String(error), devices: devices.length },
        'device types not read again; known ones stay in force',
      ),
    );
  };

  const lookup: DeviceTypes['lookup'] = async (devices) => {
    try {
      for (let at = 0; at < devices.length; at += 1_000) await lookupSome(devices.slice(at, at + 1_000));
      away = false;
    } catch (error) {
      away = true;
      throw error;
    }
  };
  /** What was forgotten while core was asked may have been read before it changed: it is asked again, a bounded time. */
  const lookupSome = async (devices: readonly (readonly [string, string])[]) => {
    for (let tries = 0; tries < 3; tries++) {
      const before = forgotten;
      await readSome(devices);
      if (forgotten === before) return;
    }
  };
  const readSome = async (devices: readonly (readonly [string, string])[]) => {
    const { rows } = await core.query<{ tenant: string; id: string; type: string; version: string }>(
      `select d.tenant, d.id, d.type, t.version from unnest($1::text[], $2::text[]) as i (tenant, id)
       join devices d on d.tenant = i.tenant and d.id = i.id
       join device_types t on t.tenant = d.tenant and t.id = d.type`,
      [devices.map((d) => d[0]), devices.map((d) => d[1])],
    );
    await compileMissing(rows);
    const readAt = now();
    const found = new Map(rows.map((row) => [`${row.tenant}/${row.id}`, row]));
    for (const [tenant, device] of devices) {
      const key = `${tenant}/${device}`;
      const row = found.get(key);
      const type = row === undefined ? null : (compiled.get(`${row.tenant}/${row.type}`) ?? null);
      entries.delete(key);
      entries.set(key, { tenant, device, type, readAt });
    }
    for (const key of entries.keys()) {
      if (entries.size <= max) break;
      entries.delete(key);
    }
  };
  const compileMissing = async (rows: readonly { tenant: string; type: string; version: string }[]) => {
    const wanted = new Map(rows.map((row) => [`${row.tenant}/${row.type}`, row]));
    const missing = [...wanted].filter(([key, row]) => compiled.get(key)?.version !== Number(row.version));
    if (missing.length === 0) return;
    const { rows: types } = await core.query<{ tenant: string; id: string; definition: unknown; version: string }>(
      `select t.tenant, t.id, t.definition, t.version from unnest($1::text[], $2::text[]) as i (tenant, id)
       join device_types t on t.tenant = i.tenant and t.id = i.id`,
      [missing.map(([, r]) => r.tenant), missing.map(([, r]) => r.type)],
    );
    for (const { tenant, id, definition, version } of types)
      compiled.set(`${tenant}/${id}`, compileStored(id, definition, Number(version)));
  };

  return {
    get,
    ofType: (tenant, type) => compiled.get(`${tenant}/${type}`),
    lookup,
    forget(tenant, device) {
      forgotten++;
      if (device !== undefined) {
        const entry = entries.get(`${tenant}/${device}`);
        if (entry !== undefined) entry.readAt = Number.NEGATIVE_INFINITY;
        return;
      }
      for (const entry of entries.values()) if (entry.tenant === tenant) entry.readAt = Number.NEGATIVE_INFINITY;
    },
    stop: () => clearTimeout(refreshTimer),
  };
}
