import type { Ask, Stores } from '../stores.ts';

export type Total = { readings: number; missing: string[] };
export type Totals = { of(tenant: string): Promise<Total> };

const exactUpTo = 1_000_000;
const freshMs = 10_000;
const mostTenants = 1_000;

/**
 * Stored readings of a tenant, counted at most once in ten seconds: exact up to a million on a shard, beyond it the
 * planner's estimate.
 */
export function createTotals(stores: Stores, clock: () => number): Totals {
  const known = new Map<string, { at: number; total: Promise<Total> }>();
  return {
    of(tenant) {
      const have = known.get(tenant);
      if (have !== undefined && clock() - have.at < freshMs) return have.total;
      if (known.size >= mostTenants) known.clear();
      const total = count(stores, tenant);
      known.set(tenant, { at: clock(), total });
      total.catch(() => known.delete(tenant));
      return total;
    },
  };
}

async function count(stores: Stores, tenant: string): Promise<Total> {
  const { results, missing } = await stores.all((ask) => countShard(ask, tenant));
  return { readings: [...results.values()].reduce((sum, n) => sum + n, 0), missing };
}

type Plan = { 'QUERY PLAN': { Plan: { 'Plan Rows': number } }[] };

async function countShard(ask: Ask, tenant: string): Promise<number> {
  const [row] = await ask<Plan>('explain (format json) select from readings where tenant = $1', [tenant]);
  const estimate = row?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0;
  if (estimate > exactUpTo) return estimate;
  const [exact] = await ask<{ n: string }>(
    'select count(*) as n from (select from readings where tenant = $1 limit $2) as bounded',
    [tenant, 2 * exactUpTo],
  );
  return Number(exact?.n ?? 0);
}
