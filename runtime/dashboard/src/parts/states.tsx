import type { ComponentChildren } from 'preact';
import { inWords } from '../api.ts';
import type { QueryState } from '../use-query.ts';

export function Loading({ what }: { what: string }) {
  return (
    <p class="muted pad" role="status">
      Loading {what}…
    </p>
  );
}

export function Failed({ error, retry }: { error: Error; retry?: () => void }) {
  return (
    <div class="banner bad" role="alert">
      <span>{inWords(error)}</span>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <div class="muted">{children}</div>
    </div>
  );
}

/** What an answer lacks, said where the numbers are. */
export function DegradedNote({
  degraded,
}: {
  degraded?: { missingShards?: number[] | undefined; parts?: string[] | undefined } | undefined;
}) {
  if (degraded === undefined) return null;
  const lacks = [
    ...(degraded.missingShards?.length ? [`${degraded.missingShards.length} of the databases did not answer`] : []),
    ...(degraded.parts?.length ? [`away: ${degraded.parts.join(', ')}`] : []),
  ];
  return (
    <div class="banner warn" role="status">
      These numbers are not whole – {lacks.join('; ')}.
    </div>
  );
}

/** Loading, failed and loaded of one query; old data stays visible under an error. */
export function Loaded<T>({
  query,
  what,
  children,
}: {
  query: QueryState<T>;
  what: string;
  children: (data: T) => ComponentChildren;
}) {
  return (
    <>
      {query.error && <Failed error={query.error} retry={query.reload} />}
      {query.data === undefined ? !query.error && <Loading what={what} /> : children(query.data)}
    </>
  );
}
