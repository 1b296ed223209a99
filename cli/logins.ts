import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CommandError } from './errors.ts';
import type { Token } from './token.ts';

/** Tokens of remote platforms, by API URL, in one file of mode 0600 (XDG base directories). Client secrets are not kept. */
const Logins = z.record(z.string(), z.object({ accessToken: z.string(), expiresAt: z.number() }));

type Env = Record<string, string | undefined>;

export function loginsFile(env: Env): string {
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'iot-platform', 'logins.json');
}

export async function cachedLogin(env: Env, api: string): Promise<Token | undefined> {
  const found = (await readLogins(env))[api];
  return found !== undefined && found.expiresAt - 30_000 > Date.now() ? found : undefined;
}

export async function saveLogin(env: Env, api: string, token: Token): Promise<void> {
  const path = loginsFile(env);
  const logins = { ...(await readLogins(env)), [api]: token };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.${process.pid}`, `${JSON.stringify(logins)}\n`, { mode: 0o600 });
  await rename(`${path}.${process.pid}`, path);
}

async function readLogins(env: Env): Promise<z.output<typeof Logins>> {
  const path = loginsFile(env);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  try {
    return Logins.parse(JSON.parse(text));
  } catch (cause) {
    throw new CommandError(`${path} is damaged: remove it and log in again`, { cause });
  }
}

export function clientFromEnvironment(env: Env): { id: string; secret: string } | undefined {
  const [id, secret] = [env['IOT_CLIENT_ID'], env['IOT_CLIENT_SECRET']];
  if (!id && !secret) return undefined;
  if (!id || !secret)
    throw new CommandError(
      `${id ? 'IOT_CLIENT_SECRET' : 'IOT_CLIENT_ID'} is not set: both or none of the two are needed`,
    );
  return { id, secret };
}
