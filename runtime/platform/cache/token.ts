import type { Log } from '../service/log.ts';
import { retryDelayMs, type TokenSupplier } from './settings.ts';

/**
 * Keeps a short-lived token fresh: gets the first, and the next one when a fifth of a token's life is left. A supplier
 * that fails is asked again with back-off; the last token goes on being used meanwhile.
 * @param use called with every token, the first included. What it throws counts as a failure of that token.
 * @returns function that stops it.
 */
export function keepToken(options: {
  supplier: TokenSupplier;
  use: (token: string) => Promise<void>;
  log: Log;
  clock: () => number;
}): () => void {
  const { supplier, use, log, clock } = options;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let failures = 0;
  const refresh = async (): Promise<number> => {
    try {
      const { token, expiresAt } = await supplier();
      if (stopped) return 0;
      await use(token);
      failures = 0;
      return Math.max(1_000, (expiresAt - clock()) * 0.8);
    } catch (error) {
      failures += 1;
      log.warn({ error: error instanceof Error ? error.message : 'unknown', failures }, 'cache token not renewed');
      return 100 + retryDelayMs(failures, { first: 200, longest: 10_000 });
    }
  };
  const turn = (): void => {
    void refresh().then((waitMs) => {
      if (!stopped) timer = setTimeout(turn, Math.min(waitMs, 2 ** 31 - 1)).unref();
    });
  };
  turn();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
