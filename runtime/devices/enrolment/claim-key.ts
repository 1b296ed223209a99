import { createHmac, randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectGoogle, type Google } from '../../platform/google/google.ts';
import { openSecret } from '../../platform/google/secret.ts';

const keyBytes = 32;

/**
 * The key under which claim codes are hashed, so that a copy of the database lets nobody try codes. A code is found by
 * its hash: what a lookup's time tells is about a number that nobody without the key can choose.
 */
export type ClaimKey = { hash(plainCode: string): Buffer };

/** The key that the settings name. */
export async function openClaimKey(settings: {
  IOT_CA_DIR?: string | undefined;
  IOT_CLAIM_KEY_SECRET?: string | undefined;
  IOT_GOOGLE_ENDPOINT?: string | undefined;
}): Promise<ClaimKey | undefined> {
  const { IOT_CA_DIR: dir, IOT_CLAIM_KEY_SECRET: secret, IOT_GOOGLE_ENDPOINT: endpoint } = settings;
  if (secret !== undefined) return await claimKeySecret(connectGoogle({ endpoint }), secret);
  return dir === undefined ? undefined : await claimKeyFile(dir);
}

export const claimKey = (key: Buffer): ClaimKey => ({
  hash: (code) => createHmac('sha256', key).update(code).digest(),
});

/** The key in a file of the authority's folder, made at the first start. @throws naming the file, for one that is damaged. */
export async function claimKeyFile(dir: string): Promise<ClaimKey> {
  const path = join(dir, 'claim-codes.key');
  const made = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (made !== undefined) {
    try {
      await made.writeFile(randomBytes(keyBytes));
      await made.sync();
    } finally {
      await made.close();
    }
  }
  const key = await readFile(path);
  if (key.length !== keyBytes) throw new Error(`${path} has ${key.length} bytes, allowed are ${keyBytes}`);
  return claimKey(key);
}

/**
 * The key in Secret Manager, version 1 of the secret: a process that finds none adds one, and all take the first, so that
 * two that start at once agree. @throws GoogleError; Error for another secret's value
 */
export async function claimKeySecret(google: Google, name: string): Promise<ClaimKey> {
  const secret = openSecret(google, name);
  const found = (await secret.first()) ?? (await secret.add(randomBytes(keyBytes)).then(() => secret.first()));
  if (found?.length !== keyBytes)
    throw new Error(`version 1 of ${name} has no ${keyBytes} bytes: it is no key of claim codes`);
  return claimKey(found);
}
