/** Bounds of a subscription's retry policy, in milliseconds. */
export type RetryPolicy = { readonly minimumMs: number; readonly maximumMs: number };

/** https://cloud.google.com/pubsub/docs/handling-failures#exponential_backoff : defaults 10 s and 600 s. */
export const RETRY_DEFAULTS: RetryPolicy = { minimumMs: 10_000, maximumMs: 600_000 };

/**
 * Milliseconds to wait before delivery number `failures + 1`: `minimumMs` after the first failure, doubling, never
 * above `maximumMs`. No policy means at once, as in the cloud.
 */
export function backoffMs(policy: RetryPolicy | undefined, failures: number): number {
  if (policy === undefined || failures <= 0) return 0;
  return Math.min(policy.maximumMs, policy.minimumMs * 2 ** Math.min(failures - 1, 40));
}
