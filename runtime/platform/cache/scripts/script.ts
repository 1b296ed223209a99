/** What a script's `redis.call` gives back: bulk string, integer, null (Lua's false) or an array of these. */
export type ScriptValue = string | number | null | ScriptValue[];

/** `redis.call` of a script's twin; an error reply is thrown. Arguments and values are byte strings. */
export type ScriptCall = (command: string, ...args: string[]) => ScriptValue;

/**
 * One atomic step on Redis, known by name: Lua for a real server, and its TypeScript twin for the stand-in, which runs no
 * Lua. The twin makes the same calls and gives the same reply; one suite and one property test hold the two together.
 */
export type CacheScript<Input, Output> = {
  /** camelCase: also the method's name on the ioredis client and its pipelines. */
  name: string;
  numberOfKeys: number;
  /** ASCII only, one key in KEYS, no randomness and no server time: the caller brings the clock. */
  lua: string;
  twin: (call: ScriptCall, keys: readonly string[], args: readonly string[]) => ScriptValue;
  /** KEYS and ARGV of an input. @throws RangeError naming field, value and what is allowed. */
  encode: (input: Input) => (string | number)[];
  decode: (reply: unknown) => Output;
};

/** A field that must be a whole number in a range. @throws RangeError */
export function wholeNumber(script: string, field: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${script}: ${field} is ${value}, allowed is a whole number from ${min} to ${max}`);
}

/** Lua's `tonumber` as far as the scripts need it: text of a whole number, or null. */
export function toNumber(value: ScriptValue | undefined): number | null {
  return typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : null;
}

/** A reply that must be an array of `length` items. */
export function replyItems(script: string, reply: unknown, length: number): unknown[] {
  if (Array.isArray(reply) && reply.length === length) return reply;
  throw new Error(`${script}: reply is not an array of ${length}; is another script stored under its name?`);
}
