import type { DatabaseRole, Grants, Privilege } from './grants.ts';

/** One right that a database user holds, or everybody (`public`). */
export type Right = {
  on: 'database' | 'schema' | 'table' | 'function';
  /** Unquoted name; a function's has its types: `make_partition(text, date)`. Empty for database and schema. */
  object: string;
  /** Only when the right is on one column. */
  column: string | null;
  holder: string;
  /** As in a grant: `select`, `execute`, `usage`, `connect`, `temporary`. */
  privilege: string;
};

/** `public` in the place of a user: everybody. No user can have this name. */
export const everybody = 'public';

/** All that should be held, by the database users that the services log in as. Pure. */
export function rightsOf(grants: Grants, users: Readonly<Partial<Record<DatabaseRole, string>>>): Right[] {
  const rights: Right[] = [];
  const entering = new Set<string>();
  const add = (right: Right) => {
    entering.add(right.holder);
    rights.push(right);
  };
  const userOf = (role: string) => users[role as DatabaseRole];
  for (const [object, roles] of Object.entries(grants.tables))
    for (const [role, privileges] of Object.entries(roles)) {
      const holder = userOf(role);
      if (holder === undefined) continue;
      for (const privilege of privileges)
        for (const { column, name } of columnsOf(privilege))
          add({ on: 'table', object, column, holder, privilege: name });
    }
  for (const [object, roles] of Object.entries(grants.functions))
    for (const role of roles) {
      const holder = userOf(role);
      if (holder !== undefined) add({ on: 'function', object, column: null, holder, privilege: 'execute' });
    }
  for (const holder of entering)
    rights.push(
      { on: 'database', object: '', column: null, holder, privilege: 'connect' },
      { on: 'schema', object: '', column: null, holder, privilege: 'usage' },
    );
  return rights;
}

const columnsOf = (privilege: Privilege): { column: string | null; name: string }[] =>
  typeof privilege === 'string'
    ? [{ column: null, name: privilege }]
    : privilege.update.map((column) => ({ column, name: 'update' }));

/**
 * What to say to Postgres so that exactly the wanted rights are held, and nothing when they are. Pure.
 * @param database name of the database that the statements run in
 */
export function changesOf(wanted: readonly Right[], held: readonly Right[], database: string): string[] {
  const [want, have] = [keyed(wanted), keyed(held)];
  const surplus = [...have].filter(([key]) => !want.has(key)).map(([, right]) => statement('revoke', right, database));
  const missing = [...want].filter(([key]) => !have.has(key)).map(([, right]) => statement('grant', right, database));
  return [...surplus.sort(), ...missing.sort()];
}

const keyed = (rights: readonly Right[]) =>
  new Map(
    rights.map((right) => [
      JSON.stringify([right.on, right.object, right.column, right.holder, right.privilege]),
      right,
    ]),
  );

function statement(verb: 'grant' | 'revoke', right: Right, database: string): string {
  const what = right.column === null ? right.privilege : `${right.privilege} (${quoted(right.column)})`;
  const holder = right.holder === everybody ? 'public' : quoted(right.holder);
  return `${verb} ${what} on ${target(right, database)} ${verb === 'grant' ? 'to' : 'from'} ${holder}`;
}

function target(right: Right, database: string): string {
  if (right.on === 'database') return `database ${quoted(database)}`;
  if (right.on === 'schema') return 'schema public';
  if (right.on === 'table') return `table public.${quoted(right.object)}`;
  const at = right.object.indexOf('(');
  return `function public.${quoted(right.object.slice(0, at))}${right.object.slice(at)}`;
}

/** A user's name holds @ and dots, and comes from a setting. */
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
