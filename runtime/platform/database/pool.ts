import pg from 'pg';
import { parseCloudSql } from '../../contracts/settings/cloud.ts';
import type { Log } from '../service/log.ts';
import { cloudSql } from './cloud-sql.ts';

/** Bounds of one database's pool. Times in milliseconds. */
export type PoolSettings = {
  /** Name in logs and metrics: `core`, or the shard database's name. */
  name: string;
  /** `postgres://…`, or `cloudsql:…` for Cloud SQL by Google's connector (contracts/settings/cloud.ts). */
  url: string;
  /** Test server instead of Google's APIs (IOT_GOOGLE_ENDPOINT). */
  google?: string | undefined;
  application: string;
  max: number;
  connectMs: number;
  /** Longest statement; Postgres itself ends it, the client gives up a little later. */
  statementMs: number;
};

/**
 * A bounded pool. Sockets have TCP keep-alive, since a failed-over Cloud SQL instance black-holes old connections
 * without a reset; waiting for a connection is bounded by `connectMs`.
 */
export function createPool(settings: PoolSettings, log: Log): pg.Pool {
  const cloud = parseCloudSql(settings.url);
  const way = cloud === undefined ? undefined : cloudSql(cloud, settings.google);
  const pool = new pg.Pool({
    ...(cloud === undefined
      ? { connectionString: settings.url }
      : { user: cloud.user, database: cloud.database, Client: way?.Client }),
    application_name: settings.application,
    max: settings.max,
    connectionTimeoutMillis: settings.connectMs,
    idleTimeoutMillis: 30_000,
    statement_timeout: settings.statementMs,
    query_timeout: settings.statementMs + 1_000,
    idle_in_transaction_session_timeout: settings.statementMs + 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  });
  // An idle connection that breaks is replaced at the next use; without a listener pg would end the process.
  pool.on('error', (error) =>
    log.warn({ database: settings.name, error: error.message }, 'idle database connection lost'),
  );
  if (way === undefined) return pool;
  // The connector renews certificates by timers, which would keep the process.
  const end = pool.end.bind(pool) as () => Promise<void>;
  return Object.assign(pool, { end: () => end().finally(way.close) });
}

/**
 * Whether an error says that the database is away or overloaded (so the same work may succeed later), or that the
 * work itself can never succeed. SQLSTATE classes: https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
export function isTransient(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return true; // connection refused by pg-pool, timeouts: no SQLSTATE
  if (code.length !== 5 || /^E[A-Z]+$/.test(code)) return true; // ECONNREFUSED and its like
  return transientClasses.has(code.slice(0, 2)) || transientCodes.has(code);
}
const transientClasses = new Set(['08', '40', '53', '55', '57', '58', 'XX']);
/**
 * Read-only after a failover, a role, database, table or grant that a running migration or failover has not made yet,
 * and 23514: no partition for the row, which the partition maker mends.
 */
const transientCodes = new Set(['25006', '28000', '28P01', '3D000', '42501', '42P01', '23514']);
