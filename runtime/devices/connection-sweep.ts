import type { Cache } from '../platform/cache/cache.ts';
import { CacheError } from '../platform/cache/errors.ts';
import { ProblemError } from '../platform/http/problem.ts';
import type { Log } from '../platform/service/log.ts';
import type { Core } from './database.ts';
import { readPresences } from './presence.ts';

type Row = { tenant: string; id: string; connection: string };
type Sweep = {
  /** One round over all devices that the registry takes for connected. @returns how many were found gone. */
  round(): Promise<number>;
  /** Forgets what was missing: Redis was away, so its emptiness says nothing. */
  forget(): void;
};

const pageSize = 500;
/** A connection this young may not have reached Redis yet. */
const youngSeconds = 45;
const everyMs = 30_000;

/**
 * A gateway that dies says no `disconnected`, and its devices may never come back. What the registry takes for
 * connected and nobody holds in Redis for two rounds is gone: one round alone may have met a Redis just emptied, which
 * gateways fill again within ten seconds. A newer connection is never undone: the number is compared.
 */
export function createSweep(core: Core, cache: Pick<Cache, 'redis' | 'status'>): Sweep {
  let missed = new Set<string>();
  return {
    forget: () => missed.clear(),
    async round() {
      const missing = new Set<string>();
      let gone = 0;
      let after: Row | undefined;
      do {
        const rows = await connectedAfter(core, after);
        const presences = await readPresences(cache, rows);
        const absent = rows.filter((_, i) => presences[i]?.gateway === null);
        for (const row of absent) missing.add(key(row));
        gone += await markGone(
          core,
          absent.filter((row) => missed.has(key(row))),
        );
        after = rows.length < pageSize ? undefined : rows.at(-1);
      } while (after !== undefined);
      missed = missing;
      return gone;
    },
  };
}

const key = ({ tenant, id, connection }: Row) => `${tenant}/${id}/${connection}`;

function connectedAfter(core: Core, after: Row | undefined): Promise<Row[]> {
  return core.query<Row>(
    `select tenant, id, connection from devices
     where connected and (tenant, id) > ($1, $2) and connection_changed_at < now() - make_interval(secs => $3)
     order by tenant, id limit $4`,
    [after?.tenant ?? '', after?.id ?? '', youngSeconds, pageSize],
  );
}

async function markGone(core: Core, rows: readonly Row[]): Promise<number> {
  if (rows.length === 0) return 0;
  const done = await core.query(
    `update devices d set connected = false, connection_changed_at = now()
     from unnest($1::text[], $2::text[], $3::bigint[]) as g (tenant, id, connection)
     where d.tenant = g.tenant and d.id = g.id and d.connection = g.connection and d.connected returning 1`,
    [rows.map((row) => row.tenant), rows.map((row) => row.id), rows.map((row) => row.connection)],
  );
  return done.length;
}

/** Rounds for as long as the service runs. A store that is away ends a round; the next begins anew. */
export function startSweep(core: Core, cache: Cache, log: Log): { stop(): Promise<void> } {
  const sweep = createSweep(core, cache);
  cache.onDown(() => sweep.forget());
  let round: Promise<void> | undefined;
  const once = async () => {
    try {
      const gone = await sweep.round();
      if (gone > 0) log.info({ devices: gone }, 'connections of gateways that are gone were ended');
    } catch (error) {
      if (!(error instanceof CacheError || error instanceof ProblemError)) throw error;
      sweep.forget();
      log.debug({ error: error.message }, 'connections were not looked over; a store is away');
    }
  };
  const timer = setInterval(() => {
    round ??= once().finally(() => {
      round = undefined;
    });
  }, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await round;
    },
  };
}
