import { forbiddenKeys } from './identifiers.ts';

/** JSON that outside parties bring, and that is stored and handed on as it is. Pure. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What keeps a JSON value from being stored, as the rest of a sentence; undefined when it may be. Looks no deeper than
 * `depth` objects and arrays inside each other.
 */
export function jsonProblem(value: unknown, depth: number): string | undefined {
  return partProblem(value, depth, depth);
}

function partProblem(value: unknown, left: number, depth: number): string | undefined {
  // Postgres' jsonb takes neither.
  if (typeof value === 'string')
    return value.includes('\0') || !value.isWellFormed() ? 'has text with U+0000 or a lone surrogate' : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (left === 0) return `is nested deeper than ${depth}`;
  for (const [name, inner] of Object.entries(value)) {
    if (forbiddenKeys.has(name)) return `has the name '${name}', which is not allowed`;
    const problem = partProblem(name, left, depth) ?? partProblem(inner, left - 1, depth);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Equal as JSON, whatever the order of names. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, i) => sameJson(each, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
}

/** Bytes of a value as compact JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

/** A payload as JSON. @throws Error with a sentence when it is none. */
export function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (error) {
    throw new Error(`not JSON: ${(error as Error).message.slice(0, 200)}`, { cause: error });
  }
}
