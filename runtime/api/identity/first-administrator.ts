import { timingSafeEqual } from 'node:crypto';
import type pg from 'pg';
import { defaultTenant } from '../../contracts/identifiers.ts';
import type { Secret } from '../../platform/google/secret.ts';
import type { Log } from '../../platform/service/log.ts';
import { hashCode, newCode } from './one-time-code.ts';
import { hashPassword } from './secrets.ts';
import { normalEmail } from './store.ts';

/**
 * A new environment has no login at all. Its first start puts a one-time code into Secret Manager, where only who may read
 * that secret finds it; the core database keeps the code's hash. Who brings the code becomes administrator, once, and only
 * while there is no user.
 */
export type FirstAdministrator = {
  /** @returns false for a wrong or used code, or when there are users: nobody learns which. */
  redeem(code: string, email: string, password: string): Promise<boolean>;
  stop(): void;
};

const againMs = 60_000;

export function offerFirstAdministrator(options: {
  core: pg.Pool;
  secret: Secret;
  /** Where the code is redeemed, for the log. */
  page: string;
  log: Log;
}): FirstAdministrator {
  const { core, log, page } = options;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const turn = (): void => {
    offerOnce(core, options.secret).then(
      (offer) => {
        if (offer === 'made')
          log.warn({ page }, 'there is no user yet: the secret IOT_FIRST_ADMIN_SECRET has a one-time code');
        // Another process may have died between its row and the secret: look again, until the code was delivered.
        if (offer === 'pending' && !stopped) timer = setTimeout(turn, againMs).unref();
      },
      (error: Error) => {
        log.warn({ error: error.message }, 'no code for the first administrator yet; tried again in a minute');
        if (!stopped) timer = setTimeout(turn, againMs).unref();
      },
    );
  };
  turn();
  return {
    redeem: (code, email, password) => redeem(core, code, email, password),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/**
 * The row comes first, with the hash: one process of all wins it. The code follows into the secret; only then is it
 * `delivered`. A winner that died in between is followed by another after a minute, with another code.
 */
export async function offerOnce(core: pg.Pool, secret: Secret): Promise<'made' | 'pending' | 'not needed'> {
  const { rows } = await core.query<{ users: boolean; delivered: boolean }>(
    `select exists (select from users) as users,
            exists (select from first_administrator where delivered_at is not null) as delivered`,
  );
  if (rows[0]?.users === true || rows[0]?.delivered === true) return 'not needed';
  const code = newCode();
  const won = await core.query(
    `insert into first_administrator (code_hash) values ($1)
     on conflict (single) do update set code_hash = $1, created_at = now()
       where first_administrator.delivered_at is null
         and first_administrator.created_at < now() - interval '1 minute'`,
    [hashCode(code)],
  );
  if (won.rowCount !== 1) return 'pending';
  await secret.add(Buffer.from(code));
  await core.query('update first_administrator set delivered_at = now() where code_hash = $1', [hashCode(code)]);
  return 'made';
}

async function redeem(core: pg.Pool, code: string, email: string, password: string): Promise<boolean> {
  // The page stays after the code is used: only who has the code may make us work for a password's hash.
  if (!(await isOpenFor(core, code))) return false;
  const passwordHash = await hashPassword(password); // before the lock: it takes a while
  const client = await core.connect();
  let broken = true;
  try {
    await client.query('begin');
    const good = await isOpenFor(client, code, 'for update');
    if (good) {
      await client.query('insert into users (tenant, email, role, password_hash) values ($1, $2, $3, $4)', [
        defaultTenant,
        normalEmail(email),
        'admin',
        passwordHash,
      ]);
      await client.query('update first_administrator set redeemed_at = now(), redeemed_by = $1', [normalEmail(email)]);
    }
    await client.query('commit');
    broken = false;
    return good;
  } finally {
    client.release(broken); // a connection that may be inside a transaction is not used again
  }
}

async function isOpenFor(
  core: Pick<pg.ClientBase, 'query'>,
  code: string,
  lock: '' | 'for update' = '',
): Promise<boolean> {
  const { rows } = await core.query<{ hash: Buffer; open: boolean }>(
    `select code_hash as hash, redeemed_at is null and not exists (select from users) as open
     from first_administrator ${lock}`,
  );
  const [row] = rows;
  return row?.open === true && timingSafeEqual(row.hash, hashCode(code));
}
