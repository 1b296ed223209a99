import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { scopes as allScopes, type Scope } from '../../contracts/http/operation.ts';
import type { MachineClient } from '../../contracts/http/people.ts';
import { inTransaction } from '../../platform/database/transaction.ts';
import { problem } from '../../platform/http/problem.ts';
import { hashClientSecret } from '../identity/secrets.ts';
import { type Actor, audit } from './audit.ts';

type Row = { id: string; name: string; scopes: string[]; created_at: Date };
const clientOf = (row: Row): MachineClient => ({
  id: row.id,
  name: row.name,
  scopes: allScopes.filter((scope) => row.scopes.includes(scope)),
  createdAt: row.created_at.toISOString(),
});
const columns = 'id, name, scopes, created_at';

/** Machine clients of a tenant by id after `after`, one more than asked for when there are more. */
export async function listClients(core: pg.Pool, tenant: string, after: string, limit: number) {
  const { rows } = await core.query<Row>(
    `select ${columns} from oauth_clients where tenant = $1 and id > $2 order by id limit $3`,
    [tenant, after, limit + 1],
  );
  return rows.map(clientOf);
}

/**
 * A client that may do no more than who makes it.
 * @returns the client and its secret, of which only a hash is kept.
 * @throws ProblemError 409 for an id that is taken, in whichever tenant, or scopes that the actor does not have.
 */
export async function createClient(
  core: pg.Pool,
  actor: Actor & { scopes: readonly Scope[] },
  asked: { id: string; name: string; scopes: readonly Scope[] },
): Promise<MachineClient & { secret: string }> {
  const more = asked.scopes.filter((scope) => !actor.scopes.includes(scope));
  if (more.length > 0)
    throw problem(
      409,
      'Too much',
      `nobody gives what he does not have: ${more.join(', ')}; you have ${actor.scopes.join(', ')}`,
    );
  const secret = randomBytes(32).toString('base64url');
  return inTransaction(core, async (tx) => {
    const [row] = await tx.query<Row>(
      `insert into oauth_clients (id, tenant, name, secret_hash, scopes) values ($1, $2, $3, $4, $5)
       on conflict (id) do nothing returning ${columns}`,
      [asked.id, actor.tenant, asked.name, hashClientSecret(secret), [...new Set(asked.scopes)]],
    );
    if (row === undefined) throw problem(409, 'Exists', `client id '${asked.id}' is taken`);
    const made = clientOf(row);
    await audit(tx, actor.tenant, actor, 'client.create', made.id, { after: made });
    return { ...made, secret };
  });
}

/** @throws ProblemError 404 */
export async function removeClient(core: pg.Pool, actor: Actor, id: string): Promise<void> {
  await inTransaction(core, async (tx) => {
    const [row] = await tx.query<Row>(`delete from oauth_clients where tenant = $1 and id = $2 returning ${columns}`, [
      actor.tenant,
      id,
    ]);
    if (row === undefined) throw problem(404, 'No such client', `there is no client '${id}' in this tenant`);
    await audit(tx, actor.tenant, actor, 'client.remove', id, { before: clientOf(row) });
  });
}
