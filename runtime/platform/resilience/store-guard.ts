import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  wrap,
} from 'cockatiel';
import { isTransient } from '../database/pool.ts';
import { type ProblemError, problem } from '../http/problem.ts';
import type { Log } from '../service/log.ts';

/** Bounds of one store as one service uses it. */
export type StoreGuardSettings = {
  /** As callers may see it: `core`, `shard_a`. */
  name: string;
  /** Calls at once; as many more wait, the rest are refused at once. */
  concurrent: number;
  /** How long calls are refused after `breakAfter` failures in a row, milliseconds. */
  probeAfterMs?: number;
  breakAfter?: number;
};

export type StoreGuard = {
  /** @throws ProblemError 503 when the store is away or overloaded; any other error as it is. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** `open` while calls are refused at once. */
  circuit(): 'closed' | 'open';
};

/**
 * Bulkhead, then breaker around a store. A store that is away costs its callers a fast, honest 503 instead of a
 * connection each; one slow store does not take the calls that another could answer. A caller's own mistake (a broken
 * constraint) is no failure of the store.
 */
export function guardStore(settings: StoreGuardSettings, log: Log): StoreGuard {
  const { name, concurrent, probeAfterMs = 1_000, breakAfter = 5 } = settings;
  const breaker = circuitBreaker(
    handleWhen((error) => !isProblem(error) && isTransient(error)),
    { halfOpenAfter: probeAfterMs, breaker: new ConsecutiveBreaker(breakAfter) },
  );
  breaker.onBreak(() => log.warn({ store: name }, 'circuit opened: the store does not answer'));
  breaker.onReset(() => log.info({ store: name }, 'circuit closed: the store answers again'));
  const policy = wrap(bulkhead(concurrent, concurrent), breaker);
  return {
    circuit: () => (breaker.state === CircuitState.Closed ? 'closed' : 'open'),
    async run(work) {
      try {
        return await policy.execute(() => work());
      } catch (error) {
        throw away(name, error);
      }
    },
  };
}

function away(name: string, error: unknown): unknown {
  if (isProblem(error)) return error;
  if (error instanceof BrokenCircuitError) return storeAway(name, 'does not answer', error);
  if (error instanceof BulkheadRejectedError) return storeAway(name, 'is busy', error);
  return isTransient(error) ? storeAway(name, 'did not answer', error) : error;
}

function storeAway(name: string, what: string, cause: unknown): ProblemError {
  return problem(503, 'Store away', `store ${name} ${what}; try again`, { retryAfterSeconds: 1, cause });
}

function isProblem(error: unknown): error is ProblemError {
  return error instanceof Error && error.name === 'ProblemError';
}
