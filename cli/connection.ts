import { dataFolder, defaultDataFolder, pointedFolder } from '../runtime/local/folder.ts';
import { readSecrets } from '../runtime/local/secrets.ts';
import { type PlatformStatus, readRunning } from '../runtime/local/status.ts';
import { type Api, createApi } from './api.ts';
import { CommandError } from './errors.ts';
import { cachedLogin, clientFromEnvironment, saveLogin } from './logins.ts';
import { requestToken, type Token } from './token.ts';

/** Options of every command that talks to a platform. */
export type TargetOptions = { api?: string; data?: string };

/** The data folder that local commands mean: named, or started last, or the default one. */
export async function localFolder(data: string | undefined) {
  return dataFolder(data ?? (await pointedFolder()) ?? defaultDataFolder);
}

/** The running local platform. @throws CommandError with the way out. */
export async function runningPlatform(data: string | undefined): Promise<PlatformStatus> {
  const folder = await localFolder(data);
  const status = await readRunning(folder);
  if (status !== undefined && status.state !== 'stopped') return status;
  throw new CommandError(
    `no platform runs in ${folder.root}: start one with \`npx iot local up\`, name its folder with --data DIR, ` +
      'or name a remote platform with --api URL',
  );
}

/** The API of the platform that a command means, with a token that is fetched when it is needed. */
export async function connect(options: TargetOptions, env: Record<string, string | undefined>): Promise<Api> {
  if (options.api !== undefined) return remote(options.api, env);
  const status = await runningPlatform(options.data);
  const secrets = await readSecrets(await dataFolder(status.data));
  if (secrets === undefined)
    throw new CommandError(`${status.data} has no secrets.json: the platform's folder is damaged`);
  const url = status.urls.api;
  return createApi({ url, token: renewing(() => requestToken(url, secrets.client)) });
}

/** Base URL of the API of the platform that a command means; nobody needs to be logged in there. */
export async function apiUrl(options: TargetOptions): Promise<string> {
  return options.api ?? (await runningPlatform(options.data)).urls.api;
}

function remote(url: string, env: Record<string, string | undefined>): Api {
  return createApi({
    url,
    token: renewing(async () => {
      const cached = await cachedLogin(env, url);
      if (cached !== undefined) return cached;
      const client = clientFromEnvironment(env);
      if (client === undefined)
        throw new CommandError(
          `not logged in at ${url}, or the log-in has ended: run \`iot login --api ${url}\`, or set IOT_CLIENT_ID and IOT_CLIENT_SECRET`,
        );
      const token = await requestToken(url, client);
      await saveLogin(env, url, token);
      return token;
    }),
  });
}

/** Keeps a token until half a minute before its end. */
function renewing(request: () => Promise<Token>): () => Promise<string> {
  let token: Token | undefined;
  return async () => {
    if (token === undefined || token.expiresAt - 30_000 < Date.now()) token = await request();
    return token.accessToken;
  };
}
