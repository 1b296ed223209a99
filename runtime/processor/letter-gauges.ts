import type { ShardPools } from '../platform/database/shard-pools.ts';
import type { ProcessorMetrics } from './metrics.ts';

type Depth = { open: number; oldest: Date | null };

/** Beyond it a database is not counted on: the gauge stays there, and the alert has long been raised. */
const mostCounted = 1_000_000;

/**
 * How many dead letters wait for somebody, and since when the oldest does, over all databases. One that does not answer
 * counts as it last did: an outage must not look as if the letters were gone.
 */
export function createLetterGauges(
  shards: Pick<ShardPools, 'fanOut'>,
  metrics: Pick<ProcessorMetrics, 'openLetters' | 'oldestLetter'>,
  now: () => number,
): () => Promise<void> {
  const known = new Map<string, Depth>();
  return async () => {
    const { results } = await shards.fanOut(async (pool) => {
      const { rows } = await pool.query<{ open: string; oldest: Date | null }>(
        `select count(*) as open, min(created_at) as oldest
         from (select created_at from dead_letters where status = 'open' limit $1) as waiting`,
        [mostCounted],
      );
      return { open: Number(rows[0]?.open ?? 0), oldest: rows[0]?.oldest ?? null };
    }, 5_000);
    for (const [name, depth] of results) known.set(name, depth);
    let open = 0;
    let since = Number.POSITIVE_INFINITY;
    for (const depth of known.values()) {
      open += depth.open;
      since = Math.min(since, depth.oldest?.getTime() ?? since);
    }
    metrics.openLetters.set(open);
    metrics.oldestLetter.set(Number.isFinite(since) ? Math.max(0, now() - since) / 1_000 : 0);
  };
}
