import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { databaseRoles, type Grants, grants } from '../../runtime/migrations/grants.ts';
import { changesOf, everybody, type Right, rightsOf } from '../../runtime/migrations/rights.ts';

const users = { processor: 'a@p.iam', devices: 'b@p.iam', telemetry: 'c@p.iam', api: 'd@p.iam' };
const right: fc.Arbitrary<Right> = fc.record({
  on: fc.constant('table' as const),
  object: fc.constantFrom('readings', 'alerts', 'odd"name'),
  column: fc.constantFrom(null, 'closed_at', 'x"y'),
  holder: fc.constantFrom(...Object.values(users), everybody),
  privilege: fc.constantFrom('select', 'insert', 'update'),
});
const rights = fc.array(right, { maxLength: 20 });
const text = (each: Right) => JSON.stringify(each);

/** What a statement does to the rights that are held, by the simplest reading of it. */
function obey(held: readonly Right[], statement: string): Right[] {
  const match = /^(grant|revoke) (\w+)(?: \((".*?")\))? on table public\.(".*?") (?:to|from) (public|".*")$/.exec(
    statement,
  );
  if (match === null) throw new Error(`no such statement: ${statement}`);
  const [, verb, privilege = '', column, object = '', holder = ''] = match;
  const bare = (quoted: string) => quoted.slice(1, -1).replaceAll('""', '"');
  const meant: Right = {
    on: 'table',
    object: bare(object),
    column: column === undefined ? null : bare(column),
    holder: holder === 'public' ? everybody : bare(holder),
    privilege,
  };
  const others = held.filter((each) => text(each) !== text(meant));
  return verb === 'grant' ? [...others, meant] : others;
}

describe('changes', () => {
  test('lead from whatever is held to what is wanted, and there is nothing more to change', () => {
    fc.assert(
      fc.property(rights, rights, (wanted, held) => {
        const after = changesOf(wanted, held, 'core').reduce<readonly Right[]>(obey, held);
        expect(new Set(after.map(text))).toEqual(new Set(wanted.map(text)));
        expect(changesOf(wanted, after, 'core')).toEqual([]);
      }),
    );
  });

  test('are written so that no name can be anything else', () => {
    const odd = { column: null, holder: 'x"; drop table users; --', privilege: 'select' };
    expect(changesOf([{ ...odd, on: 'table', object: 'a"b' }], [], 'core')).toEqual([
      'grant select on table public."a""b" to "x""; drop table users; --"',
    ]);
    expect(changesOf([{ ...odd, holder: 'u', on: 'database', object: '', privilege: 'connect' }], [], 'my"db')).toEqual(
      ['grant connect on database "my""db" to "u"'],
    );
    expect(
      changesOf(
        [],
        [{ ...odd, holder: everybody, on: 'function', object: 'f(text, date)', privilege: 'execute' }],
        'core',
      ),
    ).toEqual(['revoke execute on function public."f"(text, date) from public']);
  });
});

describe('rights of the table of grants', () => {
  test('are by line, and let nobody in who has none', () => {
    const two: Grants = {
      tables: { a: { api: ['select', { update: ['x', 'y'] }] }, b: {} },
      functions: { 'f()': ['processor'] },
    };
    const short = rightsOf(two, users).map((each) =>
      [each.holder, each.on, each.object, each.column, each.privilege].join(' '),
    );
    expect(short.sort()).toEqual([
      'a@p.iam database   connect',
      'a@p.iam function f()  execute',
      'a@p.iam schema   usage',
      'd@p.iam database   connect',
      'd@p.iam schema   usage',
      'd@p.iam table a  select',
      'd@p.iam table a x update',
      'd@p.iam table a y update',
    ]);
  });

  test('a service that has no user gets nothing', () => {
    const { api: _, ...others } = users;
    expect(rightsOf(grants.core, others).filter((each) => each.object === 'users')).toEqual([]);
  });

  test('nobody may change or delete a stored reading, or change the audit log; only the api reads it, and who may log in', () => {
    for (const service of databaseRoles) {
      expect(grants.shard.tables['readings']?.[service] ?? []).not.toContain('update');
      expect(grants.shard.tables['readings']?.[service] ?? []).not.toContain('delete');
      const line = grants.core.tables['audit_log']?.[service] ?? [];
      expect(line.filter((right) => right !== 'insert')).toEqual(service === 'api' ? ['select'] : []);
    }
    for (const table of ['users', 'invitations', 'oauth_clients', 'oauth_state', 'first_administrator'])
      expect(Object.keys(grants.core.tables[table] ?? {})).toEqual(['api']);
  });
});
