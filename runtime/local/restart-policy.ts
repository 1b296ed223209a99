/** When a dead part is started again. Times in milliseconds. */
export type RestartPolicy = { firstMs: number; mostMs: number; stableMs: number };

/** Quick at first, since most deaths are single; never so quick that a part that cannot start eats the machine. */
export const restartPolicy: RestartPolicy = { firstMs: 100, mostMs: 10_000, stableMs: 10_000 };

/**
 * What follows a death: how long to wait, and how many deaths in a row there were now. A part that was up for
 * `stableMs` begins anew.
 * @param failures deaths in a row before this one
 * @param upMs how long the part had been up
 */
export function afterDeath(
  policy: RestartPolicy,
  failures: number,
  upMs: number,
): { waitMs: number; failures: number } {
  const inRow = upMs >= policy.stableMs ? 0 : failures;
  // Capped before the power is taken: 2 ** 1100 would be Infinity.
  const waitMs = Math.min(policy.mostMs, policy.firstMs * 2 ** Math.min(inRow, 30));
  return { waitMs, failures: inRow + 1 };
}

/** Deaths in a row, before a part was ready once, after which a start is given up and its last words are shown. */
export const deathsBeforeGivingUp = 4;
