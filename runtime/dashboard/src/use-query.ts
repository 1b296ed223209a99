import { useEffect, useState } from 'preact/hooks';
import { type Answer, ApiError, call, type Input, LoggedOut, type ReadId } from './api.ts';
import { missedLive } from './live.ts';

export type QueryState<T> = { data: T | undefined; error: Error | undefined; loading: boolean; reload(): void };

/**
 * Asks an operation of the API, again each `everyMs` while the page is visible. Keeps the last good data while a reload
 * fails, so that a short outage shows an error above old numbers instead of an empty page. Reads again when live events
 * were missed.
 * @param input null asks nothing.
 */
export function useQuery<Id extends ReadId>(id: Id, input: Input<Id> | null, everyMs?: number): QueryState<Answer<Id>> {
  const [state, setState] = useState<{ key: string; data?: Answer<Id>; error?: Error; loading: boolean }>({
    key: '',
    loading: true,
  });
  const [turn, setTurn] = useState(0);
  const key = input === null ? '' : `${id} ${JSON.stringify(input)}`;
  const missed = missedLive.value;
  // `key` stands for operation and input; `turn` and `missed` ask for a reload.
  useEffect(() => {
    if (input === null) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        if (!document.hidden || everyMs === undefined) {
          const data = await call(id, { ...input, signal: abort.signal });
          setState({ key, data, loading: false });
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        setState((old) => ({
          ...(old.key === key && old.data !== undefined ? { data: old.data } : {}),
          key,
          error: error as Error,
          loading: false,
        }));
        if (error instanceof LoggedOut || (error instanceof ApiError && error.status === 401)) return;
      }
      if (everyMs !== undefined && !abort.signal.aborted) timer = setTimeout(read, everyMs);
    };
    setState((old) => (old.key === key ? old : { key, loading: true }));
    void read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, turn, missed, everyMs]);
  const current = state.key === key;
  return {
    data: current ? state.data : undefined,
    error: current ? state.error : undefined,
    loading: !current || state.loading,
    reload: () => setTurn((t) => t + 1),
  };
}
