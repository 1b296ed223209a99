import { isIPv6 } from 'node:net';
import type { TokenReply } from '../../platform/cache/scripts/take-token.ts';
import type { Limit } from './rate-limits.ts';

/**
 * `RateLimit-Policy` and `RateLimit` of one limit
 * (https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10): quota `q` a window of `w` seconds,
 * `r` left, the full quota back in `t` seconds.
 */
export function rateLimitHeaders(
  name: 'client' | 'address' | 'tenant',
  limit: Limit,
  reply: TokenReply,
): Record<string, string> {
  const window = Math.max(1, Math.round(limit.burst / limit.ratePerSecond));
  const headers: Record<string, string> = {
    'ratelimit-policy': `"${name}";q=${limit.burst};w=${window}`,
    ratelimit: `"${name}";r=${reply.remaining};t=${Math.ceil(reply.resetMs / 1_000)}`,
  };
  if (!reply.allowed) headers['retry-after'] = String(retryAfterSeconds(reply));
  return headers;
}

export function retryAfterSeconds(reply: TokenReply): number {
  return Math.max(1, Math.ceil(reply.retryAfterMs / 1_000));
}

/**
 * What an address is limited by. One IPv6 customer has a /64 at least, so the first four groups count; an IPv4 address
 * in IPv6 clothes is itself.
 */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%', 1)[0] as string).toLowerCase().split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...front, ...Array(Math.max(0, 8 - front.length - back.length)).fill('0'), ...back];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
