import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterDeath, type RestartPolicy, restartPolicy } from '../../../runtime/local/restart-policy.ts';

const policy: RestartPolicy = { firstMs: 100, mostMs: 1_000, stableMs: 10_000 };

test.each([
  ['the first death', 0, 50, { waitMs: 100, failures: 1 }],
  ['the second in a row', 1, 50, { waitMs: 200, failures: 2 }],
  ['the fourth in a row', 3, 50, { waitMs: 800, failures: 4 }],
  ['beyond the most', 7, 50, { waitMs: 1_000, failures: 8 }],
  ['one after a long life begins anew', 7, 10_000, { waitMs: 100, failures: 1 }],
  ['one just before it is stable does not', 2, 9_999, { waitMs: 400, failures: 3 }],
])('%s', (_, failures, upMs, expected) => {
  expect(afterDeath(policy, failures, upMs)).toEqual(expected);
});

test('however often it dies, the wait is between first and most and never falls while deaths follow each other', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5_000 }), (failures) => {
      const now = afterDeath(restartPolicy, failures, 0);
      const next = afterDeath(restartPolicy, now.failures, 0);
      expect(now.waitMs).toBeGreaterThanOrEqual(restartPolicy.firstMs);
      expect(next.waitMs).toBeGreaterThanOrEqual(now.waitMs);
      expect(next.waitMs).toBeLessThanOrEqual(restartPolicy.mostMs);
    }),
  );
});
