import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Secret } from '../../platform/google/secret.ts';
import type { Log } from '../../platform/service/log.ts';
import {
  type Generations,
  Generations as GenerationsSchema,
  isRotationDue,
  keysInForce,
  lookEveryMs,
  newGeneration,
  withGeneration,
} from './key-generations.ts';
import type { KeyRing } from './key-ring.ts';

export type SecretKeysOptions = {
  secret: Secret;
  core: Pick<pg.Pool, 'connect'>;
  rotationDays: number;
  log: Log;
  clock?: () => number;
  /** Shortest time between two looks for a key that a token names and nobody here knows, milliseconds. */
  refreshMs?: number;
};

/** Any number, the same in every process: who holds this lock of the core database may write the secret. */
const lockNumber = 4_711_001;
const firstKeysMs = 30_000;

/**
 * The authorization server's keys in Secret Manager: made at the first start, rotated when their time has come, by one
 * process of all at a time; every process sees the change within minutes, and before the new key signs.
 * @throws when Secret Manager or the core database does not answer at the start, or the secret holds something else.
 */
export async function openSecretKeys(options: SecretKeysOptions): Promise<KeyRing> {
  const { secret, log, rotationDays, clock = Date.now, refreshMs = 10_000 } = options;
  const listeners: (() => void)[] = [];
  let held: Generations | undefined;
  let [fingerprint, lookedAt] = ['', 0];
  let looking: Promise<boolean> | undefined;

  async function read(): Promise<Generations | undefined> {
    const newest = await secret.newest();
    return newest === undefined ? undefined : parse(newest.value);
  }
  async function rotate(): Promise<void> {
    const done = await exclusively(options.core, async () => {
      const newest = await read(); // another process may have been here a moment ago
      if (!isRotationDue(newest, clock(), rotationDays)) return;
      const next = withGeneration(newest, await newGeneration(clock()));
      const version = await secret.add(Buffer.from(JSON.stringify(next)));
      log.info({ version, keys: next.generations.length }, 'the authorization server has a new key');
    });
    if (!done) log.debug('another process makes the new key');
  }
  async function look(): Promise<boolean> {
    lookedAt = clock();
    held = (await read()) ?? held;
    if (isRotationDue(held, clock(), rotationDays)) {
      await rotate();
      held = (await read()) ?? held;
    }
    if (held === undefined) return false;
    const now = keysInForce(held, clock())
      .signing.map(({ kid }) => kid)
      .join(' ');
    if (now === fingerprint) return false;
    fingerprint = now;
    for (const listener of listeners) listener();
    return true;
  }
  const lookOnce = (): Promise<boolean> => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  const until = clock() + firstKeysMs;
  for (await lookOnce(); held === undefined; await lookOnce()) {
    if (clock() > until) throw new Error('no other process has put the first keys into IOT_KEYS_SECRET; start again');
    await sleep(500);
  }
  const timer = setInterval(() => {
    lookOnce().catch((error: Error) => log.warn({ error: error.message }, 'keys not looked up; the last ones stay'));
  }, lookEveryMs).unref();
  return {
    current: () => keysInForce(held as Generations, clock()),
    refresh: async () => (clock() - lookedAt < refreshMs ? false : await lookOnce()),
    onChange: (listener) => void listeners.push(listener),
    stop: () => clearInterval(timer),
  };
}

function parse(value: Buffer): Generations {
  try {
    return GenerationsSchema.parse(JSON.parse(value.toString()));
  } catch {
    // The reason would quote what is in the secret.
    throw new Error('IOT_KEYS_SECRET holds no keys of the authorization server; add its last good version again');
  }
}

/** Session lock of the core database: gone with its connection, so a process that dies holds up nobody. */
async function exclusively(core: Pick<pg.Pool, 'connect'>, work: () => Promise<void>): Promise<boolean> {
  const client = await core.connect();
  let broken = true;
  try {
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [lockNumber]);
    const got = rows[0]?.got === true;
    if (got) {
      try {
        await work();
      } finally {
        await client.query('select pg_advisory_unlock($1)', [lockNumber]);
      }
    }
    broken = false;
    return got;
  } finally {
    client.release(broken);
  }
}
