import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/**
 * Two kinds of secrets, two ways to keep them. A client's secret is random (at least 192 bits), so a fast hash loses
 * nothing and costs a token request nothing. A password is chosen by a person, so it gets scrypt
 * (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt: N=2^15, r=8, p=3).
 */
const cost = { N: 2 ** 15, r: 8, p: 3 };
const maxmem = 64 * 1024 * 1024;
/** One scrypt takes 32 MiB and some 150 ms of a core; a flood of log-ins waits in line instead of taking the memory. */
const atOnce = 2;
const waitingMost = 32;

export { hashClientSecret, shortestClientSecret } from '../../platform/identity/client-secret.ts';

/** Compares in constant time; false for a hash of another form. */
export function isClientSecret(secret: string, hash: string): boolean {
  const [kind, stored = ''] = hash.split('$');
  const expected = Buffer.from(stored, 'base64url');
  const actual = createHash('sha256').update(secret).digest();
  return kind === 'sha256' && expected.length === actual.length && timingSafeEqual(expected, actual);
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** A hash that no password has; an unknown user costs the same work as a known one. */
const decoy = `scrypt$${cost.N}$${cost.r}$${cost.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/**
 * Whether the password is right. Without a stored hash (unknown user) the same work is done and the answer is false.
 * @throws TooManyLogins when too many wait already.
 */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [kind, n, r, p, salt = '', hash = ''] = (stored ?? decoy).split('$');
  const params = { N: Number(n), r: Number(r), p: Number(p) };
  const expected = Buffer.from(hash, 'base64url');
  const actual = await derive(password, Buffer.from(salt, 'base64url'), params);
  return (
    stored !== undefined && kind === 'scrypt' && expected.length === actual.length && timingSafeEqual(expected, actual)
  );
}

/** More log-ins wait than would be answered in time. */
export class TooManyLogins extends Error {
  constructor() {
    super(`more than ${waitingMost} log-ins wait for their password check`);
    this.name = 'TooManyLogins';
  }
}

let running = 0;
const waiting: (() => void)[] = [];

async function derive(password: string, salt: Buffer, params: { N: number; r: number; p: number }): Promise<Buffer> {
  if (running >= atOnce) {
    if (waiting.length >= waitingMost) throw new TooManyLogins();
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  running += 1;
  try {
    return await new Promise<Buffer>((resolve, reject) =>
      scrypt(password.normalize('NFKC'), salt, 32, { ...params, maxmem }, (error, key) =>
        error === null ? resolve(key) : reject(error),
      ),
    );
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
