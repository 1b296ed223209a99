import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { z } from 'zod';
import type { Scope } from '../contracts/http/operation.ts';
import { defaultTenant } from '../contracts/identifiers.ts';
import type { Secret } from '../platform/google/secret.ts';
import { hashClientSecret } from '../platform/identity/client-secret.ts';
import type { Log } from '../platform/service/log.ts';

/** OAuth client of the uptime probe: what a device's enrolment and a query need, and nothing more. */
const id = 'iot-probe';
const scopes: readonly Scope[] = ['devices:read', 'devices:write', 'telemetry:read'];

const Kept = z.object({ id: z.string(), secret: z.string() });

/**
 * Makes the probe's client, once: its random secret goes to Secret Manager, only its hash to the core database. Run again
 * it changes nothing while the two belong together, and makes a new pair when they do not.
 * @param core logged in as the owner of `oauth_clients`
 * @throws what database and Secret Manager throw; never with the secret in the message
 */
export async function ensureProbeClient(core: pg.Pool, box: Secret, log: Log): Promise<void> {
  const kept = await keptSecret(box);
  const { rows } = await core.query<{ secret_hash: string }>('select secret_hash from oauth_clients where id = $1', [
    id,
  ]);
  if (kept !== undefined && rows[0]?.secret_hash === hashClientSecret(kept)) {
    log.info('the probe has its client');
    return;
  }
  const secret = randomBytes(32).toString('base64url');
  // The box first: a hash whose secret nobody has would be a client that nobody can be.
  const version = await box.add(Buffer.from(JSON.stringify({ id, secret })));
  await core.query(
    `insert into oauth_clients (id, tenant, name, secret_hash, scopes) values ($1, $2, $3, $4, $5)
     on conflict (id) do update set tenant = $2, name = $3, secret_hash = $4, scopes = $5`,
    [id, defaultTenant, 'Uptime probe', hashClientSecret(secret), scopes],
  );
  log.info({ version }, 'the probe has a new client');
}

/** The secret in the box; undefined when it holds none of this form. */
async function keptSecret(box: Secret): Promise<string | undefined> {
  const newest = await box.newest();
  if (newest === undefined) return undefined;
  try {
    return Kept.parse(JSON.parse(newest.value.toString('utf8'))).secret;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}
