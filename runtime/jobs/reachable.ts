import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Log } from '../platform/service/log.ts';

/** How long a job waits for a database, milliseconds, and how it waits. */
export type Patience = {
  withinMs: number;
  pauseMs: number;
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
};

/** A new instance's DNS record and a new grant take minutes to be known everywhere. */
const patient: Patience = { withinMs: 300_000, pauseMs: 5_000, now: Date.now, sleep: (ms) => sleep(ms) };

/**
 * Waits until a database answers.
 * @throws Error naming the database and its last answer when it does not in time
 */
export async function reachable(
  pool: Pick<pg.Pool, 'query'>,
  name: string,
  log: Log,
  { withinMs, pauseMs, now, sleep }: Patience = patient,
): Promise<void> {
  const deadline = now() + withinMs;
  for (;;) {
    try {
      await pool.query('select 1');
      return;
    } catch (error) {
      if (now() + pauseMs > deadline)
        throw new Error(`database ${name} was not reachable within ${withinMs / 1_000} s`, { cause: error });
      log.warn({ database: name, error: String(error) }, 'database not reachable yet; trying again');
      await sleep(pauseMs);
    }
  }
}
