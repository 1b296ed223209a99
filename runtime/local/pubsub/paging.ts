import { invalid } from './errors.ts';

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;

/** One page of `items` by name; the token is the last name of the page before, so that it stays right under change. */
export function page<T>(
  items: readonly T[],
  name: (item: T) => string,
  request: { pageSize?: number; pageToken?: string },
): { items: T[]; nextPageToken: string } {
  const size = request.pageSize ?? 0;
  if (size < 0) throw invalid(`page_size: ${size}; 0 (the default of ${DEFAULT_PAGE}) or more is allowed`);
  const after = request.pageToken ? Buffer.from(request.pageToken, 'base64url').toString() : '';
  const sorted = items.filter((item) => name(item) > after).sort((a, b) => (name(a) < name(b) ? -1 : 1));
  const taken = sorted.slice(0, Math.min(size || DEFAULT_PAGE, MAX_PAGE));
  const last = taken.at(-1);
  const more = last !== undefined && taken.length < sorted.length;
  return { items: taken, nextPageToken: more ? Buffer.from(name(last)).toString('base64url') : '' };
}
