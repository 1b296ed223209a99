import type pg from 'pg';
import type { Role } from '../../contracts/http/operation.ts';
import type { User } from '../../contracts/http/people.ts';
import { inTransaction, type Tx } from '../../platform/database/transaction.ts';
import { problem } from '../../platform/http/problem.ts';
import { normalEmail } from '../identity/store.ts';
import { type Actor, audit } from './audit.ts';

type Row = { email: string; role: Role; status: User['status']; created_at: Date };
const userOf = (row: Row): User => ({
  email: row.email,
  role: row.role,
  status: row.status,
  createdAt: row.created_at.toISOString(),
});

/** People and open invitations of a tenant by address after `after`, one more than asked for when there are more. */
export async function listUsers(core: pg.Pool, tenant: string, after: string, limit: number): Promise<User[]> {
  const { rows } = await core.query<Row>(
    `select email, role, 'active' as status, created_at from users where tenant = $1 and email > $2
     union all
     select email, role, 'invited', created_at from invitations
     where tenant = $1 and email > $2 and expires_at > now()
       and not exists (select from users where users.email = invitations.email)
     order by email limit $3`,
    [tenant, after, limit + 1],
  );
  return rows.map(userOf);
}

/** @throws ProblemError 404; 409 when the tenant would be left without an administrator. */
export async function updateUser(core: pg.Pool, actor: Actor, address: string, role: Role): Promise<User> {
  const email = normalEmail(address);
  return inTransaction(core, async (tx) => {
    const before = await member(tx, actor.tenant, email);
    if (role !== 'admin') await keepAnAdministrator(tx, actor.tenant, before);
    const [row] = await tx.query<Row>(
      `update users set role = $3 where tenant = $1 and email = $2 returning email, role, 'active' as status, created_at`,
      [actor.tenant, email, role],
    );
    const after = userOf(row as Row);
    await audit(tx, actor.tenant, actor, 'user.update', email, { before: { role: before.role }, after: { role } });
    return after;
  });
}

/**
 * Removes a person and what that person is logged in with, or an open invitation.
 * @throws ProblemError as `updateUser`.
 */
export async function removeUser(core: pg.Pool, actor: Actor, address: string): Promise<void> {
  const email = normalEmail(address);
  await inTransaction(core, async (tx) => {
    const uninvited = await tx.query<{ role: Role }>(
      'delete from invitations where tenant = $1 and email = $2 returning role',
      [actor.tenant, email],
    );
    const [known] = await tx.query('select 1 from users where tenant = $1 and email = $2', [actor.tenant, email]);
    if (known !== undefined || uninvited.length === 0) {
      const before = await member(tx, actor.tenant, email);
      await keepAnAdministrator(tx, actor.tenant, before);
      await tx.query('delete from users where tenant = $1 and email = $2', [actor.tenant, email]);
      await tx.query("delete from oauth_state where payload ->> 'accountId' = $1", [email]);
    }
    await audit(tx, actor.tenant, actor, 'user.remove', email, { before: { email, ...uninvited[0] } });
  });
}

async function member(tx: Tx, tenant: string, email: string): Promise<Row> {
  // Administrators are locked in one order, so that two who remove each other do not both succeed.
  await tx.query("select 1 from users where tenant = $1 and role = 'admin' order by email for update", [tenant]);
  const [row] = await tx.query<Row>(
    `select email, role, 'active' as status, created_at from users where tenant = $1 and email = $2 for update`,
    [tenant, email],
  );
  if (row === undefined) throw problem(404, 'No such person', `nobody with the address '${email}' is in this tenant`);
  return row;
}

async function keepAnAdministrator(tx: Tx, tenant: string, leaving: Row): Promise<void> {
  if (leaving.role !== 'admin') return;
  const [other] = await tx.query("select 1 from users where tenant = $1 and role = 'admin' and email <> $2 limit 1", [
    tenant,
    leaving.email,
  ]);
  if (other === undefined)
    throw problem(409, 'Last administrator', `'${leaving.email}' is the only administrator; make another one first`);
}
