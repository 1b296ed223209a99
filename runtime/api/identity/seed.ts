import pg from 'pg';
import { z } from 'zod';
import { scopes } from '../../contracts/http/operation.ts';
import { TenantId } from '../../contracts/identifiers.ts';
import { hashClientSecret, hashPassword, isPassword } from './secrets.ts';
import { normalEmail } from './store.ts';

const Seed = z.strictObject({
  users: z.array(
    z.strictObject({
      email: z
        .string()
        .max(254)
        .regex(/^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$/, 'an address is ASCII, as ada@example.org'),
      password: z.string().min(12, 'a password has at least 12 characters').max(256),
      role: z.enum(['viewer', 'operator', 'admin']),
      tenant: TenantId,
    }),
  ),
  clients: z.array(
    z.strictObject({
      id: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, 'a client id has 1 to 128 of: letters, digits, . _ -'),
      secret: z.string(),
      name: z.string().min(1).max(200),
      scopes: z.array(z.enum(scopes)).min(1),
      tenant: TenantId,
    }),
  ),
});
export type IdentitySeed = z.input<typeof Seed>;

/**
 * Makes these people and machines exist with these secrets; run again it changes what differs and nothing else. Used
 * by the local launcher; in the cloud the first administrator comes by a one-time code (first-administrator.ts).
 * @throws on a wrong seed, naming the field but never a secret.
 */
export async function seedIdentity(coreUrl: string, seed: IdentitySeed): Promise<void> {
  const parsed = Seed.safeParse(seed);
  if (!parsed.success)
    throw new Error(`identity seed: ${parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')}`);
  const client = new pg.Client({ connectionString: coreUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    for (const user of parsed.data.users) {
      const email = normalEmail(user.email);
      const { rows } = await client.query<{ password_hash: string }>(
        'select password_hash from users where email = $1',
        [email],
      );
      const stored = rows[0]?.password_hash;
      // A new salt on each start would be a write on each start.
      const hash =
        stored !== undefined && (await isPassword(user.password, stored)) ? stored : await hashPassword(user.password);
      await client.query(
        `insert into users (tenant, email, role, password_hash) values ($1, $2, $3, $4)
         on conflict (email) do update set tenant = $1, role = $3, password_hash = $4`,
        [user.tenant, email, user.role, hash],
      );
    }
    for (const machine of parsed.data.clients)
      await client.query(
        `insert into oauth_clients (id, tenant, name, secret_hash, scopes) values ($1, $2, $3, $4, $5)
         on conflict (id) do update set tenant = $2, name = $3, secret_hash = $4, scopes = $5`,
        [machine.id, machine.tenant, machine.name, hashClientSecret(machine.secret), machine.scopes],
      );
  } finally {
    await client.end();
  }
}
