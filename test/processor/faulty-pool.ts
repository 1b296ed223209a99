import type pg from 'pg';

/** The process "died" at this await. */
export class Crash extends Error {}

/**
 * A pool whose `at`-th statement fails: before Postgres sees it, or after Postgres has done it and before anybody hears.
 * Statements of connections count too, `commit` included.
 */
export function faultyPool(pool: pg.Pool, at: number, when: 'before' | 'after'): pg.Pool {
  let count = 0;
  const faulty =
    (target: { query(...args: unknown[]): Promise<unknown> }) =>
    async (...args: unknown[]) => {
      const mine = count++ === at;
      if (mine && when === 'before') throw new Crash(`before statement ${at}`);
      const answer = await target.query(...args);
      if (mine) throw new Crash(`after statement ${at}`);
      return answer;
    };
  return {
    query: faulty(pool as never),
    async connect() {
      const client = await pool.connect();
      return { query: faulty(client as never), release: (broken?: boolean) => client.release(broken) };
    },
  } as unknown as pg.Pool;
}

/** Small seeded generator (mulberry32): the seed in a failure is the whole reproduction. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
