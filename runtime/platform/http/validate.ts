import type { z } from 'zod';
import type { Operation } from '../../contracts/http/operation.ts';
import { type FieldError, problem } from './problem.ts';

export type RawRequest = { params: unknown; query: unknown; headers: unknown; body: unknown };
type Place = keyof RawRequest;
const places: readonly Place[] = ['params', 'query', 'headers', 'body'];
/** Enough to mend a request by; a body of a thousand wrong fields does not get an answer of a megabyte. */
const mostErrors = 32;

/**
 * A request against its operation's row: path parameters, query, headers and body, all wrong fields at once. A query
 * parameter that the row does not name is refused too: a misspelt filter would otherwise answer with everything. Of headers
 * only those are looked at that the row names.
 * @throws ProblemError 400 with `errors`.
 */
export function validateRequest(
  operation: Pick<Operation, Place>,
  raw: Omit<RawRequest, 'headers'> & { headers?: unknown },
): RawRequest {
  const errors: FieldError[] = [];
  const out: RawRequest = { params: undefined, query: undefined, headers: undefined, body: undefined };
  for (const place of places) {
    const schema = operation[place];
    const given = place === 'headers' ? named(operation.headers, raw.headers) : raw[place];
    if (place === 'query') errors.push(...unknownNames(operation.query, given));
    if (schema === undefined) continue;
    const unstorable = textErrors(place, given);
    errors.push(...unstorable);
    if (unstorable.length > 0) continue;
    const parsed = schema.safeParse(given ?? (place === 'body' ? undefined : {}));
    if (parsed.success) out[place] = parsed.data;
    else errors.push(...zodErrors(parsed.error.issues, place, given, schema));
  }
  if (errors.length > 0) throw invalid(errors);
  return out;
}

/** Problem 400 for wrong fields; the first stands in `detail`, all (to a bound) in `errors`. */
export function invalid(errors: readonly FieldError[]) {
  const first = errors[0] ?? { field: 'request', message: 'is not valid' };
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return problem(400, 'Invalid request', `${first.field}: ${first.message}${more}`, {
    errors: errors.slice(0, mostErrors),
  });
}

/**
 * zod's issues as field errors: where, what is allowed, and the value it had when that is short and plain.
 * @param place prefix of each field: `body`, `query`, `params`.
 */
export function zodErrors(
  issues: readonly z.core.$ZodIssue[],
  place: string,
  given: unknown,
  schema?: z.ZodType,
): FieldError[] {
  return issues.slice(0, mostErrors).flatMap((issue) => {
    const field = fieldName(place, issue.path);
    if (issue.code === 'unrecognized_keys') {
      const allowed = issue.path.length === 0 ? allowedKeys(schema) : '';
      return issue.keys
        .slice(0, mostErrors)
        .map((key) => ({ field: `${field}.${shorten(key)}`, message: `unknown field${allowed}` }));
    }
    return [{ field, message: `${issue.message}${shown(valueAt(given, issue.path))}` }];
  });
}

function named(schema: z.ZodObject | undefined, given: unknown): Record<string, unknown> {
  const headers = (given ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(schema?.shape ?? {}).flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );
}

function unknownNames(schema: z.ZodObject | undefined, given: unknown): FieldError[] {
  if (typeof given !== 'object' || given === null) return [];
  const known = schema === undefined ? [] : Object.keys(schema.shape);
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .slice(0, mostErrors)
    .map((name) => ({
      field: `query.${shorten(name)}`,
      message: `unknown parameter; ${known.length === 0 ? 'none is allowed here' : `allowed are ${known.join(', ')}`}`,
    }));
}

/** Text that Postgres cannot store: U+0000 and halves of surrogate pairs. Walked without recursion: depth is the caller's. */
export function textErrors(place: Place, given: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const open: { path: PropertyKey[]; value: unknown }[] = [{ path: [], value: given }];
  while (open.length > 0 && errors.length < mostErrors) {
    const { path, value } = open.pop() as { path: PropertyKey[]; value: unknown };
    if (typeof value === 'string') {
      if (value.includes('\0') || !value.isWellFormed())
        errors.push({ field: fieldName(place, path), message: 'text has no U+0000 and no lone surrogate' });
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (key.includes('\0') || !key.isWellFormed())
          errors.push({ field: fieldName(place, path), message: 'a name has no U+0000 and no lone surrogate' });
        open.push({ path: [...path.slice(0, 8), key], value: inner });
      }
    }
  }
  return errors;
}

function fieldName(place: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, step) =>
      typeof step === 'number' || /^\d+$/.test(String(step))
        ? `${name}[${String(step)}]`
        : `${name}.${shorten(String(step))}`,
    place,
  );
}

function allowedKeys(schema: z.ZodType | undefined): string {
  const shape = (schema as { shape?: Record<string, unknown> } | undefined)?.shape;
  return shape === undefined ? '' : `; allowed are ${Object.keys(shape).join(', ')}`;
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = given;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

function shown(value: unknown): string {
  if (value === undefined) return '; it is missing';
  if (typeof value === 'string') return value.length <= 64 ? `; it is ${JSON.stringify(value)}` : '';
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? `; it is ${String(value)}` : '';
}

function shorten(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 61)}...`;
}
