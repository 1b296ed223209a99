import { readFileSync } from 'node:fs';
import { accessTokens } from '../google/access-tokens.ts';
import type { CacheSettings } from './settings.ts';

/**
 * How to reach Redis, from a service's settings: as the URL says, or with `?auth=iam` at Memorystore as the service's own
 * account, whose access token is the password of the user `default`.
 * https://cloud.google.com/memorystore/docs/valkey/about-iam-auth
 */
export function cacheSettings(settings: {
  IOT_REDIS_URL: string;
  IOT_REDIS_CA_FILE?: string | undefined;
  IOT_GOOGLE_ENDPOINT?: string | undefined;
}): CacheSettings {
  const url = new URL(settings.IOT_REDIS_URL);
  const iam = url.searchParams.get('auth') === 'iam';
  url.search = '';
  const tokens = iam ? accessTokens(settings.IOT_GOOGLE_ENDPOINT) : undefined;
  return {
    url: url.href,
    ...(settings.IOT_REDIS_CA_FILE === undefined ? {} : { tls: { ca: readFileSync(settings.IOT_REDIS_CA_FILE) } }),
    ...(tokens === undefined ? {} : { token: () => tokens.current() }),
  };
}
