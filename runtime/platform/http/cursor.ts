import { z } from 'zod';
import { invalid, textErrors } from './validate.ts';

/**
 * An opaque place in a listing: base64url of JSON. It is the client's to keep and so anybody's to forge: what comes back
 * passes a schema before it nears a query.
 */
export function encodeCursor(place: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/**
 * The place in a cursor; undefined without one.
 * @throws ProblemError 400 naming `query.cursor` for one that this listing did not hand out.
 */
export function decodeCursor<S extends z.ZodType>(schema: S, cursor: string | undefined): z.output<S> | undefined {
  if (cursor === undefined) return undefined;
  const place = jsonOf(cursor);
  const parsed = schema.safeParse(place);
  if (!parsed.success || textErrors('query', place).length > 0)
    throw invalid([{ field: 'query.cursor', message: 'is not one of this listing; take it unchanged from `next`' }]);
  return parsed.data;
}

function jsonOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Time in a cursor: microseconds, as Postgres keeps them; a Date would lose three digits and with them rows. */
export const MicroTime = z.iso.datetime({ precision: 6 }).regex(/^[12]\d{3}-/);

/** SQL that writes a `timestamptz` column as `MicroTime`. */
export function microTime(column: string): string {
  return `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** One page of rows that were asked for with one more than `limit`: the extra row says that there is a next page. */
export function toPage<R, T>(
  rows: readonly R[],
  limit: number,
  item: (row: R) => T,
  place: (row: R) => Record<string, unknown>,
): { items: T[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(item), next: more ? encodeCursor(place(last)) : null };
}
