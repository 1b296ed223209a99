/**
 * Full jitter: a random wait between nothing and a ceiling that doubles with each failure. Of the usual variants it
 * spreads a fleet that lost its gateway at one moment most evenly
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export type BackoffBounds = { baseMs: number; maxMs: number };

export const defaultBackoff: BackoffBounds = { baseMs: 1_000, maxMs: 30_000 };

/** The longest that attempt number `failures` (0 = first failure) may wait. */
export function backoffCeiling(failures: number, bounds: BackoffBounds): number {
  // 2 ** 1024 is Infinity and min() of it is still the maximum, so no failure count overflows.
  return Math.min(bounds.maxMs, bounds.baseMs * 2 ** failures);
}

/** Milliseconds to wait, whole. `random` gives numbers in [0, 1). */
export function fullJitter(failures: number, bounds: BackoffBounds, random: () => number): number {
  return Math.floor(random() * backoffCeiling(failures, bounds));
}
