import type pg from 'pg';
import type { Role } from '../../contracts/http/operation.ts';

export type User = { tenant: string; email: string; role: Role; passwordHash: string };
export type MachineClient = { id: string; tenant: string; name: string; secretHash: string; scopes: string[] };

/** People and machines that may ask for a token. Both tables are this service's own. */
export type IdentityStore = {
  user(email: string): Promise<User | undefined>;
  client(id: string): Promise<MachineClient | undefined>;
};

export function createIdentityStore(core: pg.Pool): IdentityStore {
  return {
    async user(email) {
      const { rows } = await core.query<User>(
        'select tenant, email, role, password_hash as "passwordHash" from users where email = $1',
        [normalEmail(email)],
      );
      return rows[0];
    },
    async client(id) {
      if (!/^[A-Za-z0-9._-]{1,128}$/.test(id)) return undefined;
      const { rows } = await core.query<MachineClient>(
        'select id, tenant, name, secret_hash as "secretHash", scopes from oauth_clients where id = $1',
        [id],
      );
      return rows[0];
    },
  };
}

/** One spelling for each address; also what an account's rate limit is kept under. */
export function normalEmail(email: string): string {
  return email.trim().toLowerCase().slice(0, 254);
}
