import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Role, Scope } from '../contracts/http/operation.ts';
import { scopes } from '../contracts/http/operation.ts';
import type { DataFolder } from './folder.ts';

/** Everything secret of a local platform; made once, in one file of mode 0600. Never an argument, never logged. */
export type LocalSecrets = {
  postgresPassword: string;
  /** OAuth client of the `iot` command. */
  client: ClientSecret;
  /** OAuth client of the simulator, also in a file of its own (IOT_CLIENT_FILE). */
  simulator: ClientSecret;
  logins: { user: string; password: string; role: Role }[];
};
export type ClientSecret = { id: string; secret: string; scopes: readonly Scope[] };

export async function ensureSecrets(folder: DataFolder): Promise<LocalSecrets> {
  const found = await readSecrets(folder);
  // A folder of an older release knows fewer scopes; the owner's own client has all there are.
  if (found !== undefined) return { ...found, client: { ...found.client, scopes } };
  const made: LocalSecrets = {
    postgresPassword: token(),
    client: { id: 'iot-cli', secret: token(), scopes },
    simulator: { id: 'iot-simulator', secret: token(), scopes: ['devices:read', 'devices:write', 'telemetry:read'] },
    logins: [
      { user: 'admin@iot.local', password: password(), role: 'admin' },
      { user: 'viewer@iot.local', password: password(), role: 'viewer' },
    ],
  };
  await writePrivate(folder.at('client.json'), { id: made.simulator.id, secret: made.simulator.secret });
  await writePrivate(folder.at('secrets.json'), made);
  return made;
}

/** @returns undefined when the folder has no platform's data. */
export async function readSecrets(folder: DataFolder): Promise<LocalSecrets | undefined> {
  try {
    return JSON.parse(await readFile(folder.at('secrets.json'), 'utf8')) as LocalSecrets;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new Error(`${folder.at('secrets.json')} can not be read: ${(error as Error).message}`, { cause: error });
  }
}

async function writePrivate(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

const token = () => randomBytes(32).toString('base64url');

/** Twenty characters that nobody mistakes for others when typing: 95 bits. */
function password(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const limit = 256 - (256 % alphabet.length);
  let out = '';
  while (out.length < 20)
    for (const byte of randomBytes(32)) if (byte < limit && out.length < 20) out += alphabet[byte % alphabet.length];
  return out.replace(/(.{5})(?=.)/g, '$1-');
}
