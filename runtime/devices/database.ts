import type pg from 'pg';
import type { StoreGuard } from '../platform/resilience/store-guard.ts';

/** The core database as this service's parts see it: guarded, one connection a transaction. */
export type Core = {
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** Commits what `work` did, or nothing of it. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
};
export type Tx = {
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>;
};

export function guardedCore(pool: pg.Pool, guard: StoreGuard): Core {
  return {
    query: (text, values) => guard.run(async () => (await pool.query(text, values as unknown[])).rows),
    transaction: (work) => guard.run(() => inTransaction(pool, work)),
  };
}

async function inTransaction<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work({
      query: async (text, values) => (await client.query(text, values as unknown[])).rows,
    });
    await client.query('commit');
    return result;
  } catch (error) {
    // A connection that cannot even roll back is of no use to the next caller.
    await client.query('rollback').catch((failed: Error) => {
      broken = failed;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
