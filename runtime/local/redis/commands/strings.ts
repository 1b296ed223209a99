import type { Keyspace } from '../keyspace.ts';
import { CommandError, ok, type Reply } from '../resp.ts';
import { type DataCommands, indexArgument, syntaxError, wholeArgument, wrongArity } from './command.ts';

export const stringCommands: DataCommands = {
  GET: { arity: 2, run: (keys, [key = '']) => keys.read(key, 'string')?.text ?? null },
  SET: { arity: -3, grows: true, writes: true, run: set },
  MGET: {
    arity: -2,
    run: (keys, args) =>
      args.map((key) => (keys.kind(key) === 'string' ? (keys.read(key, 'string')?.text ?? null) : null)),
  },
  MSET: {
    arity: -3,
    grows: true,
    writes: true,
    run(keys, args) {
      if (args.length % 2 !== 0) throw wrongArity('MSET');
      for (let i = 0; i < args.length; i += 2) put(keys, args[i] ?? '', args[i + 1] ?? '', null);
      return ok;
    },
  },
  INCR: { arity: 2, grows: true, writes: true, run: (keys, [key = '']) => add(keys, key, 1n) },
  DECR: { arity: 2, grows: true, writes: true, run: (keys, [key = '']) => add(keys, key, -1n) },
  INCRBY: { arity: 3, grows: true, writes: true, run: (keys, [key = '', by]) => add(keys, key, wholeArgument(by)) },
};

function put(keys: Keyspace, key: string, text: string, expiresAt: number | null): void {
  keys.replace(key, 'string', { text }, expiresAt);
  keys.changed(key, text.length);
}

type SetOptions = { expiresAt: number | null; keepTtl: boolean; onlyIf: 'NX' | 'XX' | null; get: boolean };

function set(keys: Keyspace, [key = '', text = '', ...rest]: readonly string[]): Reply {
  const options = setOptions(keys.now, rest);
  const old = options.get ? (keys.read(key, 'string')?.text ?? null) : ok;
  const exists = keys.kind(key) !== undefined;
  if (options.onlyIf !== null && exists !== (options.onlyIf === 'XX')) return options.get ? old : null;
  put(keys, key, text, options.keepTtl ? (keys.expiresAt(key) ?? null) : options.expiresAt);
  return old;
}

function setOptions(now: number, args: readonly string[]): SetOptions {
  const options: SetOptions = { expiresAt: null, keepTtl: false, onlyIf: null, get: false };
  for (let i = 0; i < args.length; i += 1) {
    const option = (args[i] ?? '').toUpperCase();
    const expiry = expiryUnits[option];
    if (expiry !== undefined) {
      i += 1;
      if (options.expiresAt !== null || options.keepTtl || i >= args.length) throw syntaxError();
      options.expiresAt = expiryTime(args[i], expiry, now);
    } else if (option === 'KEEPTTL' && options.expiresAt === null) options.keepTtl = true;
    else if ((option === 'NX' || option === 'XX') && options.onlyIf !== (option === 'NX' ? 'XX' : 'NX'))
      options.onlyIf = option;
    else if (option === 'GET') options.get = true;
    else throw syntaxError();
  }
  return options;
}

const expiryUnits: Record<string, { unit: number; absolute: boolean }> = {
  EX: { unit: 1000, absolute: false },
  PX: { unit: 1, absolute: false },
  EXAT: { unit: 1000, absolute: true },
  PXAT: { unit: 1, absolute: true },
};

function expiryTime(text: string | undefined, { unit, absolute }: { unit: number; absolute: boolean }, now: number) {
  const at = indexArgument(text) * unit + (absolute ? 0 : now);
  if (indexArgument(text) <= 0 || !Number.isSafeInteger(at))
    throw new CommandError("ERR invalid expire time in 'set' command");
  return at;
}

function add(keys: Keyspace, key: string, by: bigint): bigint {
  const old = keys.read(key, 'string');
  const before = old === undefined ? 0n : wholeArgument(old.text);
  const after = before + by;
  if (after < -(2n ** 63n) || after > 2n ** 63n - 1n)
    throw new CommandError('ERR increment or decrement would overflow');
  const value = old ?? keys.open(key, 'string');
  const delta = String(after).length - value.text.length;
  value.text = String(after);
  keys.changed(key, delta);
  return after;
}
