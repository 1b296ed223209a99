import { keepPartitions } from '../platform/database/partition-keeper.ts';
import { dropResolvedLetters } from '../platform/dead-letters/retention.ts';
import type { Log } from '../platform/service/log.ts';
import { withPool } from './migrate.ts';

export type RetentionJob = {
  shardUrls: Readonly<Record<string, string>>;
  keepDays: { readings: number; rollups: number; resolvedLetters: number };
  /** Test server instead of Google's APIs. */
  google?: string | undefined;
};

/**
 * Drops partitions that are over and dead letters resolved long ago, in every shard, as their owner; makes the next ones, too, in case no processor runs.
 * One database that is away holds up no other.
 * @returns names of partitions dropped, by database
 * @throws AggregateError with one error for each database that failed
 */
export async function retain(job: RetentionJob, now: number, log: Log): Promise<Record<string, string[]>> {
  const dropped: Record<string, string[]> = {};
  const failures: Error[] = [];
  for (const [name, url] of Object.entries(job.shardUrls)) {
    try {
      const own = log.child({ database: name });
      dropped[name] = await withPool({ name, url, google: job.google }, log, async (pool) => {
        const partitions = await keepPartitions(pool, now, job.keepDays, own);
        await dropResolvedLetters(pool, now, job.keepDays.resolvedLetters, own);
        return partitions;
      });
    } catch (error) {
      failures.push(new Error(`retention in database ${name} failed`, { cause: error }));
    }
  }
  if (failures.length > 0)
    throw new AggregateError(
      failures,
      `retention failed in ${failures.length} of ${Object.keys(job.shardUrls).length} databases`,
    );
  return dropped;
}
