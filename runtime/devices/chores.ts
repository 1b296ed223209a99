import { setTimeout as sleep } from 'node:timers/promises';
import { CacheError } from '../platform/cache/errors.ts';
import { ProblemError } from '../platform/http/problem.ts';
import type { Log } from '../platform/service/log.ts';

export type Chore = { stop(): Promise<void>; now(): void };

/**
 * Does `work` each `everyMs` for as long as the service runs, at once again while it says that there is more, and at once
 * when it is asked to (`now`). A store that is away ends a round; the next begins anew.
 */
export function startChore(name: string, everyMs: number, work: () => Promise<boolean>, log: Log): Chore {
  const stopped = new AbortController();
  let wake: () => void = () => undefined;
  let asked = false;
  const run = async () => {
    while (!stopped.signal.aborted) {
      try {
        if (await work()) continue;
      } catch (error) {
        const away = error instanceof ProblemError || error instanceof CacheError;
        log[away ? 'debug' : 'error']({ error, chore: name }, 'a chore failed; it is done again');
      }
      if (!asked) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await Promise.race([
          woken,
          sleep(everyMs, undefined, { signal: stopped.signal, ref: false }).catch(ignoreAbort),
        ]);
      }
      asked = false;
    }
  };
  const running = run();
  return {
    now() {
      asked = true;
      wake();
    },
    async stop() {
      stopped.abort();
      wake();
      await running;
    },
  };
}

function ignoreAbort(error: unknown): void {
  if ((error as Error).name !== 'AbortError') throw error;
}
