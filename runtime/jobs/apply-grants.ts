import type pg from 'pg';
import { type DatabaseRole, databaseRoles, grants } from '../migrations/grants.ts';
import { changesOf, everybody, type Right, rightsOf } from '../migrations/rights.ts';
import type { Log } from '../platform/service/log.ts';

/** Two migrators apply one after the other: 'gran' in ASCII. */
const lockKey = 0x67_72_61_6e;

/**
 * Brings one database's rights to the table in `migrations/grants.ts`, in one transaction: there is no moment in which a
 * running service has fewer than before and after. What is right already is not touched.
 * @param users database user of each service; a service without one has no rights to give
 * @returns the statements that were needed
 * @throws Error naming users that do not exist in a database that they need
 */
export async function applyGrants(
  pool: pg.Pool,
  kind: 'core' | 'shard',
  users: Readonly<Partial<Record<DatabaseRole, string>>>,
  log: Log,
): Promise<string[]> {
  const wanted = rightsOf(grants[kind], users);
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await checkUsers(client, kind, new Set(wanted.map((right) => right.holder)));
    await warnOfStrangers(client, kind, log);
    // Functions are everybody's unless said otherwise; tables are not.
    await client.query('alter default privileges revoke execute on functions from public');
    const { rows } = await client.query<{ name: string }>('select current_database() as name');
    const changes = changesOf(wanted, await heldBy(client, Object.values(users)), rows[0]?.name ?? '');
    for (const change of changes) await client.query(change);
    await client.query('commit');
    failed = false;
    if (changes.length > 0) log.info({ kind, changes }, 'rights changed');
    return changes;
  } finally {
    client.release(failed);
  }
}

/** @throws Error for a service that has no such table of grants. */
export function usersOf(roles: Readonly<Record<string, string>>): Partial<Record<DatabaseRole, string>> {
  const unknown = Object.keys(roles).filter((role) => !(databaseRoles as readonly string[]).includes(role));
  if (unknown.length > 0)
    throw new Error(
      `IOT_DATABASE_ROLES names ${unknown.map((role) => `'${role}'`).join(', ')}: services with grants are ${databaseRoles.join(', ')} (runtime/migrations/grants.ts)`,
    );
  return roles;
}

async function checkUsers(client: pg.PoolClient, kind: string, users: ReadonlySet<string>): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'select rolname as name from pg_roles where rolname = any($1)',
    [[...users]],
  );
  const known = new Set(rows.map((row) => row.name));
  const missing = [...users].filter((user) => !known.has(user));
  if (missing.length > 0)
    throw new Error(
      `the ${kind} database has no user ${missing.map((user) => `'${user}'`).join(', ')}: IOT_DATABASE_ROLES names users that the stack makes (infra/data); run \`pulumi up\` first`,
    );
}

/** A table that nobody wrote a line for works for the migrator alone: worth knowing before the service finds out. */
async function warnOfStrangers(client: pg.PoolClient, kind: 'core' | 'shard', log: Log): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm') and not relispartition
       and relname <> all ($1)`,
    [Object.keys(grants[kind].tables)],
  );
  if (rows.length > 0)
    log.warn({ kind, tables: rows.map((row) => row.name) }, 'tables without a line in runtime/migrations/grants.ts');
}

/** What these users and everybody hold now; what an extension brought is its own affair. */
async function heldBy(client: pg.PoolClient, users: readonly string[]): Promise<Right[]> {
  const { rows } = await client.query<Right>(
    `with holders as (
       select oid, rolname::text as holder from pg_roles where rolname = any($1) union all select 0, $2
     ), ours as (
       select c.oid, c.relname::text as object, c.relacl from pg_class c
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
         and not exists (select from pg_depend d
           where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
     ), acls as (
       select 'database' as on, '' as object, null::text as column, coalesce(datacl, acldefault('d', datdba)) as acl
       from pg_database where datname = current_database()
       union all
       select 'schema', '', null, coalesce(nspacl, acldefault('n', nspowner)) from pg_namespace where nspname = 'public'
       union all
       select 'table', object, null, relacl from ours where relacl is not null
       union all
       select 'table', object, a.attname, a.attacl from ours o join pg_attribute a on a.attrelid = o.oid
       where a.attacl is not null
       union all
       select 'function', format('%s(%s)', p.proname, oidvectortypes(p.proargtypes)), null,
         coalesce(p.proacl, acldefault('f', p.proowner))
       from pg_proc p where p.pronamespace = 'public'::regnamespace
         and not exists (select from pg_depend d
           where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
     )
     select a.on, a.object, a.column, h.holder, lower(e.privilege_type) as privilege
     from acls a cross join lateral aclexplode(a.acl) e join holders h on h.oid = e.grantee`,
    [users, everybody],
  );
  return rows;
}
