import type pg from 'pg';
import type { Log } from '../service/log.ts';

/**
 * Removes dead letters that were replayed or discarded long ago, a page at a time; an open one is never removed. Done
 * where this login may: on one machine the processor, in the cloud the job `retention` as the migrator.
 * @returns how many are gone.
 */
export async function dropResolvedLetters(pool: pg.Pool, now: number, keepDays: number, log: Log): Promise<number> {
  const { rows } = await pool.query<{ may: boolean }>("select has_table_privilege('dead_letters', 'delete') as may");
  if (rows[0]?.may !== true) return 0;
  const before = new Date(now - keepDays * 86_400_000);
  let dropped = 0;
  for (;;) {
    const { rowCount } = await pool.query(
      `delete from dead_letters where (tenant, id) in (select tenant, id from dead_letters
         where status in ('replayed', 'discarded') and changed_at < $1 order by changed_at limit 1000)`,
      [before],
    );
    dropped += rowCount ?? 0;
    if ((rowCount ?? 0) < 1_000) break;
  }
  if (dropped > 0) log.info({ dropped, before }, 'resolved dead letters removed by retention');
  return dropped;
}
