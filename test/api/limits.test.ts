import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressKey, rateLimitHeaders } from '../../runtime/api/limits/headers.ts';
import { createLocalBuckets } from '../../runtime/api/limits/local-buckets.ts';
import { createRateLimits } from '../../runtime/api/limits/rate-limits.ts';
import { CacheError } from '../../runtime/platform/cache/errors.ts';

const limit = { burst: 3, ratePerSecond: 3 };

test('headers say quota, what is left and when to come back', () => {
  expect(rateLimitHeaders('client', limit, { allowed: true, remaining: 2, retryAfterMs: 0, resetMs: 334 })).toEqual({
    'ratelimit-policy': '"client";q=3;w=1',
    ratelimit: '"client";r=2;t=1',
  });
  expect(
    rateLimitHeaders('address', limit, { allowed: false, remaining: 0, retryAfterMs: 1_001, resetMs: 1_000 }),
  ).toEqual({
    'ratelimit-policy': '"address";q=3;w=1',
    ratelimit: '"address";r=0;t=1',
    'retry-after': '2',
  });
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s is limited as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test('without Redis a process limits by itself, never more than burst and rate allow', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 100 }),
      fc.integer({ min: 1, max: 20 }),
      (gaps, burst) => {
        const buckets = createLocalBuckets(10);
        let nowMs = 1_000_000;
        let allowed = 0;
        for (const gap of gaps) {
          nowMs += gap;
          if (buckets.take({ key: 'k', nowMs, burst, ratePerSecond: burst, cost: 1 }).allowed) allowed += 1;
        }
        expect(allowed).toBeLessThanOrEqual(burst + Math.ceil(((nowMs - 1_000_000) / 1_000) * burst));
      },
    ),
  );
});

test('a flood of keys is bounded, and the newest keep their count', () => {
  const buckets = createLocalBuckets(100);
  for (let i = 0; i < 10_000; i++) buckets.take({ key: `k${i}`, nowMs: 1_000, burst: 1, ratePerSecond: 1, cost: 1 });
  expect(buckets.size()).toBe(100);
  expect(buckets.take({ key: 'k9999', nowMs: 1_000, burst: 1, ratePerSecond: 1, cost: 1 }).allowed).toBe(false);
});

test('a Redis that fails in the middle does not lift the limit', async () => {
  const limits = createRateLimits({
    cache: { status: () => 'up', run: () => Promise.reject(new CacheError('timeout', 'Redis did not answer in time')) },
    clock: () => 1_000,
  });
  const allowed = [];
  for (let i = 0; i < 5; i++) allowed.push((await limits.take('client', 'c', limit)).allowed);
  expect(allowed).toEqual([true, true, true, false, false]);
});
