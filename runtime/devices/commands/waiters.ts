import { isOpen } from '../../contracts/commands.ts';
import type { Cache } from '../../platform/cache/cache.ts';
import { toCacheError } from '../../platform/cache/errors.ts';
import { commandsEndedChannel } from '../../platform/cache/keys.ts';
import { problem } from '../../platform/http/problem.ts';
import type { Log } from '../../platform/service/log.ts';
import type { Core } from '../database.ts';
import { type CommandRow, commandColumns } from './rows.ts';

export type Waiters = {
  /**
   * The command once it has ended, or as it is after `ms`, or when the caller has gone.
   * @throws ProblemError 503 when too many wait already
   */
  wait(row: CommandRow, ms: number, signal: AbortSignal): Promise<CommandRow>;
  /** These have ended: wakes those who wait here and, by Redis, at the other processes. */
  ended(rows: readonly CommandRow[]): void;
  stop(): void;
};

const most = 1_000;
/** Without a word from anybody, by one query for all who wait. */
const lookMs = 1_000;

export function createWaiters({ core, cache, log }: { core: Core; cache: Cache; log: Log }): Waiters {
  const waiting = new Map<string, Set<() => void>>();
  let count = 0;
  const wake = (key: string) => {
    for (const look of waiting.get(key) ?? []) look();
  };
  const endSubscription = cache.subscribe(commandsEndedChannel(), {
    onMessage: (message) => {
      for (const key of message.split(',')) wake(key);
    },
  });
  const look = async () => {
    if (waiting.size === 0) return;
    const ids = [...waiting.keys()].map((key) => key.split('/')[1]);
    const rows = await core.query<{ tenant: string; id: string }>(
      `select tenant, id from commands where id = any($1::uuid[]) and finished_at is not null`,
      [ids],
    );
    for (const { tenant, id } of rows) wake(`${tenant}/${id}`);
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => log.debug({ error: String(error) }, 'commands that somebody waits for not read'));
  }, lookMs);
  timer.unref();

  const read = async (row: CommandRow): Promise<CommandRow> => {
    const [now] = await core.query<CommandRow>(`select ${commandColumns} from commands where tenant = $1 and id = $2`, [
      row.tenant,
      row.id,
    ]);
    return now ?? row;
  };

  return {
    async wait(row, ms, signal) {
      if (!isOpen(row.status) || ms <= 0) return row;
      if (count >= most)
        throw problem(503, 'Too many wait', `${count} callers wait for commands; ask again without wait`, {
          retryAfterSeconds: 5,
        });
      const key = `${row.tenant}/${row.id}`;
      const stop = new AbortController();
      const woken = new Promise<void>((resolve) => {
        const set = waiting.get(key) ?? new Set();
        waiting.set(key, set.add(resolve));
        count++;
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => resolve(), { once: true, signal: stop.signal });
        stop.signal.addEventListener('abort', () => {
          clearTimeout(timer);
          count--;
          set.delete(resolve);
          if (set.size === 0) waiting.delete(key);
        });
      });
      try {
        // It may have ended between the caller's reading and now.
        const now = await read(row);
        if (!isOpen(now.status)) return now;
        await woken;
        return await read(row);
      } finally {
        stop.abort();
      }
    },
    ended(rows) {
      if (rows.length === 0) return;
      const keys = rows.map(({ tenant, id }) => `${tenant}/${id}`);
      for (const key of keys) wake(key);
      cache
        .publish(commandsEndedChannel(), keys.join(','))
        .catch((error: unknown) => log.debug({ error: toCacheError(error).message }, 'who waits elsewhere looks soon'));
    },
    stop() {
      clearInterval(timer);
      endSubscription();
      for (const set of waiting.values()) for (const resolve of set) resolve();
    },
  };
}
