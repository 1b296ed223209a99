import { deeperThan } from './decode.ts';

/**
 * A reported state is one JSON object, kept as sent.
 * @returns its text as jsonb takes it, or why it is none.
 */
export function readState(data: Buffer): string | { detail: string } {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { detail: 'a reported state is a JSON object' };
    if (deeperThan(value, 32)) return { detail: 'a reported state is nested deeper than 32' };
    const json = JSON.stringify(value);
    // Postgres' jsonb takes neither NUL nor lone surrogates; JSON.stringify escapes both.
    if (/\\u0000|\\ud[89a-f]/.test(json)) return { detail: 'a reported state has a NUL or a lone surrogate' };
    return json;
  } catch (error) {
    return { detail: `not JSON: ${(error as Error).message.slice(0, 200)}` };
  }
}
