import type { ConnectionOptions } from 'node:tls';

/** A short-lived password: Memorystore's IAM login takes an access token that lives an hour. */
export type TokenSupplier = () => Promise<{ token: string /** Epoch ms. */; expiresAt: number }>;

export type CacheSettings = {
  /** `redis://[user:password@]host:port` or `rediss://…`; database 0 only. */
  url: string;
  /** Before every key and channel, ending in `:`; tells environments on one server apart. Default none. */
  prefix?: string;
  /** Login name when the URL has none; with `token` it is Memorystore's `default`. */
  username?: string;
  /** Instead of a password in the URL. */
  token?: TokenSupplier;
  /** For `rediss:`: the server's CA and so on. Certificates are always verified. */
  tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'>;
  /** Longest wait for any reply, ms. Default 250. */
  commandTimeoutMs?: number;
  /** Longest wait for a connection, ms. Default 2,000. */
  connectTimeoutMs?: number;
  /** Commands without a reply at one time; more are refused as `busy`. Default 10,000. */
  maxUnanswered?: number;
  /** Time between two PINGs; a server silent for this and `commandTimeoutMs` is given up and connected to anew. Default 1,000. */
  heartbeatMs?: number;
  /** Bounds of the full-jitter back-off between two attempts to connect, ms. Default 50 and 2,000. */
  retryMs?: { first: number; longest: number };
};

export type ResolvedCacheSettings = Required<Omit<CacheSettings, 'token' | 'tls' | 'username'>> &
  Pick<CacheSettings, 'token' | 'tls'> & { host: string; port: number; username?: string; password?: string };

/** Settings with their defaults. @throws RangeError naming the field; the URL's password is never repeated. */
export function resolveCacheSettings(settings: CacheSettings): ResolvedCacheSettings {
  const url = URL.parse(settings.url);
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw new RangeError('cache url is not shown; allowed is redis://[user:password@]host:port or rediss://…');
  if (!['', '/', '/0'].includes(url.pathname))
    throw new RangeError(`cache url names database '${url.pathname}'; allowed is database 0, use prefix instead`);
  const prefix = settings.prefix ?? '';
  if (!/^(?:[A-Za-z0-9][A-Za-z0-9_.-]*:)*$/.test(prefix))
    throw new RangeError(`cache prefix is '${prefix}'; allowed is letters, digits, _ . - and a ':' at the end`);
  if (settings.token !== undefined && url.password !== '')
    throw new RangeError('cache has both a token supplier and a password in its url; use one');
  const username = decodeURIComponent(url.username) || settings.username;
  const password = decodeURIComponent(url.password);
  return {
    commandTimeoutMs: 250,
    connectTimeoutMs: 2_000,
    maxUnanswered: 10_000,
    heartbeatMs: 1_000,
    retryMs: { first: 50, longest: 2_000 },
    ...settings,
    prefix,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    ...(username === undefined ? {} : { username }),
    ...(password === '' ? {} : { password }),
  } as ResolvedCacheSettings;
}

/** Full jitter: any time up to a bound that doubles with each attempt (attempt 1 is the first). */
export function retryDelayMs(
  attempt: number,
  bounds: { first: number; longest: number },
  random: () => number = Math.random,
): number {
  return Math.ceil(random() * Math.min(bounds.longest, bounds.first * 2 ** Math.min(attempt - 1, 30)));
}
