import type pg from 'pg';
import { inTransaction, type Tx } from '../platform/database/transaction.ts';
import type { StoreGuard } from '../platform/resilience/store-guard.ts';

/** The core database as this service's parts see it: guarded, one connection a transaction. */
export type Core = {
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** Commits what `work` did, or nothing of it. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
};
export type { Tx };

export function guardedCore(pool: pg.Pool, guard: StoreGuard): Core {
  return {
    query: (text, values) => guard.run(async () => (await pool.query(text, values as unknown[])).rows),
    transaction: (work) => guard.run(() => inTransaction(pool, work)),
  };
}

/** The same for what speaks to a pool. */
export const queries = (core: Core): Pick<pg.Pool, 'query'> =>
  ({
    query: async (text: string, values?: readonly unknown[]) => ({ rows: await core.query(text, values) }),
  }) as unknown as Pick<pg.Pool, 'query'>;
