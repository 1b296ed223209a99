import type pg from 'pg';
import type { Role } from '../../contracts/http/operation.ts';
import { inTransaction, type Tx } from '../../platform/database/transaction.ts';
import { problem } from '../../platform/http/problem.ts';
import { hashCode, newCode } from '../identity/one-time-code.ts';
import { hashPassword } from '../identity/secrets.ts';
import { normalEmail } from '../identity/store.ts';
import { type Actor, audit } from './audit.ts';

export type Invited = { email: string; role: Role; code: string; expiresAt: string };
const lastsMs = 7 * 86_400_000;

/**
 * An invitation, in place of an earlier one of that address. Inviting somebody who has a log-in lets that person choose
 * a new password.
 * @throws ProblemError 409 when the address belongs to another tenant, without saying to which.
 */
export async function invite(
  tx: Tx,
  tenant: string,
  actor: Pick<Actor, 'subject' | 'trace'>,
  person: { email: string; role: Role },
  now: number,
): Promise<Invited> {
  const email = normalEmail(person.email);
  const code = newCode();
  const expiresAt = new Date(now + lastsMs);
  const [elsewhere] = await tx.query('select 1 from users where email = $1 and tenant <> $2', [email, tenant]);
  const [made] = await tx.query(
    `insert into invitations (email, tenant, role, code_hash, expires_at) values ($1, $2, $3, $4, $5)
     on conflict (email) do update set role = $3, code_hash = $4, expires_at = $5, created_at = now()
       where invitations.tenant = $2 or invitations.expires_at < now()
     returning email`,
    [email, tenant, person.role, hashCode(code), expiresAt],
  );
  if (elsewhere !== undefined || made === undefined)
    throw problem(409, 'Not invited', `'${email}' can not be invited: use another address`);
  await audit(tx, tenant, actor, 'user.invite', email, { after: { email, role: person.role } });
  return { email, role: person.role, code, expiresAt: expiresAt.toISOString() };
}

export type Invitations = {
  /** @returns false for a wrong, used or expired code, or another address: nobody learns which. */
  redeem(code: string, email: string, password: string, trace: string): Promise<boolean>;
};

export function createInvitations(core: pg.Pool): Invitations {
  const isOpen = async (tx: Pick<Tx, 'query'>, code: string, email: string, lock: '' | 'for update' = '') => {
    // Looked up by the hash of 130 random bits: time tells nothing about a code that one does not have.
    const [row] = await tx.query<{ tenant: string; role: Role }>(
      `select tenant, role from invitations where code_hash = $1 and email = $2 and expires_at > now() ${lock}`,
      [hashCode(code), email],
    );
    return row;
  };
  return {
    async redeem(code, address, password, trace) {
      const email = normalEmail(address);
      const plain = {
        query: async (text: string, values?: readonly unknown[]) => (await core.query(text, values as unknown[])).rows,
      };
      // Only who has a code may make us work for a password's hash.
      if ((await isOpen(plain as Tx, code, email)) === undefined) return false;
      const passwordHash = await hashPassword(password); // before the lock: it takes a while
      return inTransaction(core, async (tx) => {
        const invitation = await isOpen(tx, code, email, 'for update');
        if (invitation === undefined) return false;
        const { tenant, role } = invitation;
        // Who has a log-in keeps the role: that is changed by `updateUser`, which leaves an administrator.
        const [joined] = await tx.query<{ role: Role }>(
          `insert into users (tenant, email, role, password_hash) values ($1, $2, $3, $4)
           on conflict (email) do update set password_hash = $4 where users.tenant = $1 returning role`,
          [tenant, email, role, passwordHash],
        );
        if (joined === undefined) return false; // became a user of another tenant meanwhile
        await tx.query('delete from invitations where email = $1', [email]);
        // Whoever was logged in with the old password is not any more.
        await tx.query("delete from oauth_state where payload ->> 'accountId' = $1", [email]);
        await audit(tx, tenant, { subject: email, trace }, 'user.join', email, { after: { email, role: joined.role } });
        return true;
      });
    },
  };
}
