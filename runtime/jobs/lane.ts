import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeIdentifier, escapeLiteral, type PoolClient } from 'pg';
import { ensureShardMap, migrate, migrationsFolder } from '../platform/database/migrate.ts';
import type { Log } from '../platform/service/log.ts';
import { applyGrants, usersOf } from './apply-grants.ts';
import { withPool } from './migrate.ts';
import { type Patience, reachable } from './reachable.ts';

export type LaneJob = {
  /** The lane's own databases: they need not exist yet, their server does. */
  coreUrl: string;
  shardUrls: Readonly<Record<string, string>>;
  /** When the lane ends, ISO. Kept as the databases' comment, so that the sweep needs nothing else. */
  until: string;
  roles: Readonly<Record<string, string>> | null;
  /** Test server instead of Google's APIs. */
  google?: string | undefined;
};

type Kind = 'core' | 'shard';

/** From which every server can make another: https://www.postgresql.org/docs/current/manage-ag-templatedbs.html */
const maintenance = 'postgres';
/** Lanes and templates are told apart from the environment's own databases by name; nothing else is ever dropped. */
const lanePrefix = 'lane_';
const templatePrefix = 'template_iot_';
const lease = /^lane until (\S+)$/;

/** The same server, another database. Both forms of URL end their path with the database's name. */
export function withDatabase(url: string, database: string): string {
  const [path = '', query] = url.split('?');
  return `${path.slice(0, path.lastIndexOf('/') + 1)}${encodeURIComponent(database)}${query === undefined ? '' : `?${query}`}`;
}

export const databaseOf = (url: string): string =>
  decodeURIComponent((url.split('?')[0] ?? '').split('/').at(-1) ?? '');

/**
 * Makes the lane's databases, each a copy of a template with the newest schema: a copy takes a moment where a hundred
 * migrations take a minute. Re-runnable; a second run renews the lease.
 * @throws Error for a database whose name is not a lane's, before anything is made
 */
export async function makeLane(job: LaneJob, log: Log, patience?: Patience): Promise<void> {
  const users = job.roles === null ? null : usersOf(job.roles);
  const { google } = job;
  const databases = [
    { kind: 'core' as const, url: job.coreUrl },
    ...Object.values(job.shardUrls).map((url) => ({ kind: 'shard' as const, url })),
  ];
  for (const { url } of databases)
    if (!databaseOf(url).startsWith(lanePrefix))
      throw new Error(`database '${databaseOf(url)}' is no lane's: allowed are names that begin with ${lanePrefix}`);
  for (const { kind, url } of databases) {
    await onServer({ url, google }, log, patience, async (session) => {
      const template = await ensureTemplate(session, kind, { url, google }, log);
      await copy(session, template, databaseOf(url), job.until, log);
    });
    // A lane of an older template that is made again gets what is new since.
    await migrate(kind, url, log, google);
  }
  await ensureShardMap(job.coreUrl, Object.keys(job.shardUrls), log, google);
  if (users === null) return;
  for (const { kind, url } of databases)
    await withPool({ name: databaseOf(url), url, google: job.google }, log, (pool) =>
      applyGrants(pool, kind, users, log),
    );
}

/** Drops lanes that are over at `now`. One server that is away holds up no other. @returns names dropped. */
export async function sweepLanes(
  { urls, google }: { urls: readonly string[]; google?: string | undefined },
  now: number,
  log: Log,
): Promise<string[]> {
  const dropped: string[] = [];
  const failures: unknown[] = [];
  for (const url of urls) {
    try {
      await onServer({ url, google }, log, undefined, async (session) => {
        for (const { name, comment } of await lanesOf(session)) {
          if (Number.isNaN(endOf(comment)))
            log.warn({ database: name, comment }, 'a lane without a lease is left alone');
          else if (endOf(comment) <= now && (await dropOver(session, name, now, log))) dropped.push(name);
        }
      });
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `sweep failed on ${failures.length} of ${urls.length} servers`);
  return dropped;
}

/** Epoch milliseconds; NaN for a comment that is no lease. */
const endOf = (comment: string | null): number => Date.parse(lease.exec(comment ?? '')?.[1] ?? '');

const lanesOf = async (session: PoolClient, beginning = lanePrefix) =>
  (
    await session.query<{ name: string; comment: string | null }>(
      `select datname as name, shobj_description(oid, 'pg_database') as comment from pg_database
       where starts_with(datname, $1) order by datname`,
      [beginning],
    )
  ).rows;

/** Drops a lane if its lease is over, judged under the lock in which leases are renewed. @returns whether it was dropped */
async function dropOver(session: PoolClient, name: string, now: number, log: Log): Promise<boolean> {
  return exclusively(session, name, async () => {
    const lane = (await lanesOf(session, name)).find((each) => each.name === name);
    const until = endOf(lane?.comment ?? null);
    if (Number.isNaN(until) || until > now) return false;
    await session.query(`drop database if exists ${escapeIdentifier(name)} with (force)`);
    log.info({ database: name, until: new Date(until).toISOString() }, 'lane dropped');
    return true;
  });
}

type Server = { url: string; google: string | undefined };

const onServer = <T>(
  { url, google }: Server,
  log: Log,
  patience: Patience | undefined,
  work: (session: PoolClient) => Promise<T>,
) =>
  withPool({ name: maintenance, url: withDatabase(url, maintenance), google }, log, async (pool) => {
    await reachable(pool, maintenance, log, patience);
    // One session for all of it: locks and the role are the session's, and a pool closes one that waits for a long migration.
    const session = await pool.connect();
    try {
      // Who may make databases in Cloud SQL is a role, and that right is not inherited by its members.
      await session.query(
        `select set_config('role', rolname, false) from pg_roles
         where rolname = 'cloudsqlsuperuser' and pg_has_role(rolname, 'member')`,
      );
      return await work(session);
    } finally {
      session.release(true);
    }
  });

/**
 * The template of this schema, made and migrated by whoever comes first. Its name carries the migrations' hash: other code
 * has another template, and a lane is never made from a schema that is not its own.
 */
async function ensureTemplate(session: PoolClient, kind: Kind, { url, google }: Server, log: Log): Promise<string> {
  const name = `${templatePrefix}${kind}_${await schemaHash(kind)}`;
  await exclusively(session, name, async () => {
    if (await finished(session, name)) return;
    // One that somebody died over may lack anything: it is made anew.
    await session.query(`drop database if exists ${escapeIdentifier(name)} with (force)`);
    await session.query(`create database ${escapeIdentifier(name)}`);
    // Nobody but its owner goes in: one open session, and no lane can be copied from it.
    await session.query(`revoke all on database ${escapeIdentifier(name)} from public`);
    await migrate(kind, withDatabase(url, name), log, google);
    await session.query(`comment on database ${escapeIdentifier(name)} is 'ready'`);
  });
  return name;
}

const finished = async (session: PoolClient, name: string) =>
  (
    await session.query<{ ready: boolean }>(
      `select coalesce(shobj_description(oid, 'pg_database') = 'ready', false) as ready from pg_database where datname = $1`,
      [name],
    )
  ).rows[0]?.ready ?? false;

async function copy(session: PoolClient, template: string, name: string, until: string, log: Log): Promise<void> {
  await exclusively(session, name, async () => {
    const { rowCount } = await session.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) {
      await session.query(`create database ${escapeIdentifier(name)} template ${escapeIdentifier(template)}`);
      await session.query(`revoke all on database ${escapeIdentifier(name)} from public`);
      log.info({ database: name, template }, 'lane made');
    }
    await session.query(`comment on database ${escapeIdentifier(name)} is ${escapeLiteral(`lane until ${until}`)}`);
  });
}

/** `create database` runs in no transaction, so that the lock is the session's. */
async function exclusively<T>(session: PoolClient, name: string, work: () => Promise<T>): Promise<T> {
  await session.query('select pg_advisory_lock(hashtextextended($1, 0))', [name]);
  try {
    return await work();
  } finally {
    await session.query('select pg_advisory_unlock(hashtextextended($1, 0))', [name]);
  }
}

async function schemaHash(kind: Kind): Promise<string> {
  const folder = migrationsFolder(kind);
  const hash = createHash('sha256');
  for (const file of (await readdir(folder)).filter((each) => each.endsWith('.sql')).sort())
    hash.update(`${file}\n`).update(await readFile(join(folder, file)));
  return hash.digest('hex').slice(0, 12);
}
