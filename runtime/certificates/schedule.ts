/** When a certificate begins and ends, epoch milliseconds. */
export type Life = { begins: number; ends: number };

/**
 * When to renew: at two thirds of its life, and up to a twelfth later, so that the pods of one rollout do not ask together.
 * Pure. @param random 0 to 1
 */
export function renewalTime({ begins, ends }: Life, random: number): number {
  const life = ends - begins;
  return begins + (life * 2) / 3 + (life / 12) * random;
}

/** Full jitter up to a bound that doubles with each failure: 1 s, 2 s, 4 s … a minute; never less than 200 ms. Pure. */
export function retryPause(failures: number, random: number): number {
  return 200 + random * Math.min(60_000, 1_000 * 2 ** Math.min(failures - 1, 16));
}
