import { expect, test } from 'vitest';
import { type Patience, reachable } from '../../runtime/jobs/reachable.ts';
import { quietLog } from '../support/log.ts';

/** A database that answers from the n-th question on, and a clock that only waiting moves. */
function database(answersFrom: number) {
  let [asked, time] = [0, 1_000];
  const query = async () => {
    if (++asked < answersFrom) throw new Error(`away ${asked}`);
    return { rows: [] };
  };
  const patience: Patience = {
    withinMs: 60_000,
    pauseMs: 5_000,
    now: () => time,
    sleep: async (ms) => {
      time += ms;
    },
  };
  return { pool: { query } as never, patience, asked: () => asked };
}

test('waits until the database answers, and asks no more then', async () => {
  const { pool, patience, asked } = database(4);
  await reachable(pool, 'core', quietLog, patience);
  expect(asked()).toBe(4);
});

test('gives up in time, naming the database and its last words', async () => {
  const { pool, patience, asked } = database(Number.POSITIVE_INFINITY);
  const error = await reachable(pool, 'core', quietLog, patience).catch((e: unknown) => e as Error);
  expect(error).toMatchObject({
    message: 'database core was not reachable within 60 s',
    cause: { message: 'away 13' },
  });
  expect(asked()).toBe(13);
});
