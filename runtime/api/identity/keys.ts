import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

/** Keys of the bundled authorization server. `signing[0]` signs; the others only verify, until their tokens are over. */
export type IdentityKeys = { signing: JWK[]; cookies: string[] };

const fileName = 'identity-keys.json';

/**
 * Reads the keys, or makes them at the first start: one file of mode 0600, written beside and linked into place, so
 * that of several processes that start at once one wins and all read the same keys.
 * To rotate, put a new key in front of `signing` and restart; drop the old one a day later.
 */
export async function ensureIdentityKeys(dir: string): Promise<IdentityKeys> {
  const file = join(dir, fileName);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if ((await stat(file).catch(() => undefined)) === undefined) await make(file);
  const info = await stat(file);
  if ((info.mode & 0o007) !== 0)
    throw new Error(`${file} can be read by everyone (mode ${(info.mode & 0o777).toString(8)}); chmod 600 it`);
  const keys = JSON.parse(await readFile(file, 'utf8')) as Partial<IdentityKeys>;
  const usable = keys.signing?.every((key) => key.kty === 'EC' && key.crv === 'P-256' && key.d !== undefined);
  if (usable !== true || keys.signing?.length === 0 || keys.cookies === undefined || keys.cookies.length === 0)
    throw new Error(`${file} has not the keys it should; restore it, or remove it to get new ones (all log in again)`);
  return keys as IdentityKeys;
}

async function make(file: string): Promise<void> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const keys: IdentityKeys = {
    signing: [{ ...jwk, alg: 'ES256', use: 'sig', kid: randomBytes(8).toString('hex') }],
    cookies: [randomBytes(32).toString('base64url')],
  };
  const beside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(beside, JSON.stringify(keys), { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(beside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another process was first: its keys count
  } finally {
    await rm(beside, { force: true });
  }
}

/** The public halves, for verification. */
export function publicKeys(keys: IdentityKeys): { keys: JWK[] } {
  return {
    keys: keys.signing.map(({ kty, crv, x, y, kid, alg, use }) => ({ kty, crv, x, y, kid, alg, use }) as JWK),
  };
}
