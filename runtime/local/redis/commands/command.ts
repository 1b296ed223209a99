import type { Keyspace } from '../keyspace.ts';
import { CommandError, type Reply } from '../resp.ts';

/** What a command on data sees. Arguments are byte strings, the command's name is not among them. */
export type DataCommand = {
  /** Redis' convention: the name counts; negative means "at least". */
  arity: number;
  /** May make the data grow: refused when memory is full. */
  grows?: boolean;
  /** Changes data. */
  writes?: boolean;
  run: (keys: Keyspace, args: readonly string[]) => Reply;
};

export type DataCommands = Record<string, DataCommand>;

const wholePattern = /^(?:0|-?[1-9]\d{0,18})$/;
const [lowest, highest] = [-(2n ** 63n), 2n ** 63n - 1n];

/** A 64-bit integer, as Redis parses one: no sign but `-`, no leading zero. @throws ERR */
export function wholeArgument(text: string | undefined): bigint {
  if (text !== undefined && wholePattern.test(text)) {
    const value = BigInt(text);
    if (value >= lowest && value <= highest) return value;
  }
  throw new CommandError('ERR value is not an integer or out of range');
}

/** A whole number that also fits JavaScript: indexes, counts, times. @throws ERR */
export function indexArgument(text: string | undefined): number {
  const value = Number(wholeArgument(text));
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
}

const floatPattern = /^[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf(?:inity)?)$/i;

/** A score: a float or ±inf. @throws the given message */
export function floatArgument(text: string, message = 'ERR value is not a valid float'): number {
  if (!floatPattern.test(text)) throw new CommandError(message);
  const infinite = /inf/i.test(text);
  return infinite ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text);
}

export function floatText(value: number): string {
  if (value === Infinity) return 'inf';
  return value === -Infinity ? '-inf' : Object.is(value, -0) ? '-0' : String(value);
}

export const syntaxError = (): CommandError => new CommandError('ERR syntax error');

export const wrongArity = (name: string): CommandError =>
  new CommandError(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);

export function arityFits(arity: number, count: number): boolean {
  return arity >= 0 ? count === arity : count >= -arity;
}

/** Start and end (exclusive) of a Redis range over `length` items: negative counts from the end. */
export function rangeBounds(start: number, stop: number, length: number): [number, number] {
  const from = Math.max(start < 0 ? start + length : start, 0);
  const to = Math.min(stop < 0 ? stop + length : stop, length - 1) + 1;
  return from < to ? [from, to] : [0, 0];
}
