import { ProblemError } from '../platform/http/problem.ts';
import type { Log } from '../platform/service/log.ts';
import type { Core } from './database.ts';
import { compactChanges } from './identity-changes.ts';
import { sweepUsage } from './tenant-usage.ts';

const everyMs = 3_600_000;

/** Each hour for as long as the service runs; several instances do no harm to each other. */
export function startCompaction(core: Core, log: Log): { stop(): Promise<void> } {
  let turn: Promise<void> | undefined;
  const once = async () => {
    try {
      await sweepUsage(core);
      const gone = await compactChanges(core);
      if (gone > 0) log.info({ changes: gone }, 'identity changes that nobody needs any more are gone');
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      log.warn({ error: error.message }, 'old usage and identity changes not removed; tried again in an hour');
    }
  };
  const timer = setInterval(() => {
    turn ??= once().finally(() => {
      turn = undefined;
    });
  }, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await turn;
    },
  };
}
