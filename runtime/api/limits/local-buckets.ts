import { takeToken } from '../../platform/cache/scripts/index.ts';
import type { TakeToken, TokenReply } from '../../platform/cache/scripts/take-token.ts';

/**
 * The rate limit of Redis' `takeToken`, run by its twin on a map of this process. At most `most` keys: beyond that the
 * oldest is forgotten, so a flood of addresses costs no memory (and the flooder's own key is the newest).
 */
export function createLocalBuckets(most: number): { take(input: TakeToken): TokenReply; size(): number } {
  const buckets = new Map<string, string>();
  const call = (command: string, key = '', value = '') => {
    if (command === 'GET') return buckets.get(key) ?? null;
    buckets.delete(key);
    if (buckets.size >= most) buckets.delete(buckets.keys().next().value as string);
    buckets.set(key, value);
    return 'OK';
  };
  return {
    take(input) {
      const [key, ...args] = takeToken.encode(input).map(String) as [string, ...string[]];
      return takeToken.decode(takeToken.twin(call, [key], args));
    },
    size: () => buckets.size,
  };
}
