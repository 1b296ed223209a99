import { keepPartitions } from '../platform/database/partition-keeper.ts';
import type { Log } from '../platform/service/log.ts';
import { withPool } from './migrate.ts';

export type RetentionJob = {
  shardUrls: Readonly<Record<string, string>>;
  keepDays: { readings: number; rollups: number };
  /** Test server instead of Google's APIs. */
  google?: string | undefined;
};

/**
 * Drops partitions that are over, in every shard, as their owner; makes the next ones, too, in case no processor runs.
 * One database that is away holds up no other.
 * @returns names dropped, by database
 * @throws AggregateError with one error for each database that failed
 */
export async function retain(job: RetentionJob, now: number, log: Log): Promise<Record<string, string[]>> {
  const dropped: Record<string, string[]> = {};
  const failures: Error[] = [];
  for (const [name, url] of Object.entries(job.shardUrls)) {
    try {
      dropped[name] = await withPool({ name, url, google: job.google }, log, (pool) =>
        keepPartitions(pool, now, job.keepDays, log.child({ database: name })),
      );
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
