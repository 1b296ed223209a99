import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Log } from '../service/log.ts';

/** The keys can not be had now: who asks is to come again. */
export class KeysAway extends Error {
  constructor(place: string, cause: unknown) {
    super(`public keys of callers are away: ${place}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = 'KeysAway';
  }
}

/** Keys older than this are looked up again in the background, so that one taken back is not good for ever. */
const staleMs = 600_000;
/** A key that nobody knows makes at most one look-up in this time. */
const cooldownMs = 10_000;
const timeoutMs = 5_000;
const longestSet = 262_144;

/**
 * Public keys of an issuer, in a file or at a URL. Once had, they stay in use while their place is away; a key that is not
 * among them is looked for there.
 * @param place absolute path, or URL, of a JSON Web Key Set
 */
export function openKeySet(place: string, log: Log, clock: () => number = () => performance.now()): JWTVerifyGetKey {
  let held: { keys: JWTVerifyGetKey; at: number } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let loading: Promise<JWTVerifyGetKey> | undefined;

  const load = (): Promise<JWTVerifyGetKey> => {
    triedAt = clock();
    loading ??= readKeys(place)
      .then((set) => {
        held = { keys: createLocalJWKSet(set), at: clock() };
        return held.keys;
      })
      .catch((error: unknown) => {
        throw new KeysAway(place, error);
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  };
  const maySearch = () => clock() - triedAt >= cooldownMs;

  return async (header, token) => {
    if (held === undefined) return await (await load())(header, token);
    if (clock() - held.at >= staleMs && maySearch())
      load().catch((error: Error) => log.warn({ error: error.message }, 'keys of callers not renewed; tried again'));
    try {
      return await held.keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !maySearch()) throw error;
      return await (await load())(header, token);
    }
  };
}

async function readKeys(place: string): Promise<JSONWebKeySet> {
  return JSON.parse(place.startsWith('/') ? await readFile(place, 'utf8') : await fetchText(place)) as JSONWebKeySet;
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  const text = await response.text();
  if (text.length > longestSet) throw new Error(`the answer is longer than ${longestSet} characters`);
  return text;
}
