import { useEffect, useState } from 'preact/hooks';
import { ApiError, call } from './api.ts';
import { missedLive } from './live.ts';

export type QueryState<T> = { data: T | undefined; error: Error | undefined; loading: boolean; reload(): void };

/**
 * Reads a path of the API, again each `everyMs` while the page is visible. Keeps the last good data while a reload
 * fails, so that a short outage shows an error above old numbers instead of an empty page. Reads again when live events
 * were missed.
 * @param path null reads nothing.
 */
export function useQuery<T>(
  path: string | null,
  query: Record<string, string | number | undefined> = {},
  everyMs?: number,
): QueryState<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: Error; loading: boolean }>({
    key: '',
    loading: true,
  });
  const [turn, setTurn] = useState(0);
  const key = path === null ? '' : `${path}?${JSON.stringify(query)}`;
  const missed = missedLive.value;
  // `key` stands for path and query; `turn` and `missed` ask for a reload.
  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        if (!document.hidden || everyMs === undefined) {
          const data = await call<T>('GET', path, { query, signal: abort.signal });
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
        if (error instanceof ApiError && error.status === 401) return;
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
