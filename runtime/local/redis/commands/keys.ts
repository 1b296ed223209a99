import { globMatches } from '../glob.ts';
import type { Keyspace } from '../keyspace.ts';
import { CommandError, ok, type Reply, Status } from '../resp.ts';
import { type DataCommands, indexArgument, syntaxError } from './command.ts';

export const keyCommands: DataCommands = {
  DEL: { arity: -2, writes: true, run: remove },
  UNLINK: { arity: -2, writes: true, run: remove },
  EXISTS: { arity: -2, run: (keys, args) => args.filter((key) => keys.kind(key) !== undefined).length },
  TYPE: { arity: 2, run: (keys, [key = '']) => new Status(keys.kind(key) ?? 'none') },
  EXPIRE: { arity: -3, writes: true, run: (keys, args) => expire(keys, args, 1000, 'expire') },
  PEXPIRE: { arity: -3, writes: true, run: (keys, args) => expire(keys, args, 1, 'pexpire') },
  PERSIST: {
    arity: 2,
    writes: true,
    run(keys, [key = '']) {
      if (typeof keys.expiresAt(key) !== 'number') return 0;
      keys.expire(key, null);
      return 1;
    },
  },
  TTL: { arity: 2, run: (keys, [key = '']) => timeLeft(keys, key, 1000) },
  PTTL: { arity: 2, run: (keys, [key = '']) => timeLeft(keys, key, 1) },
  KEYS: { arity: 2, run: (keys, [pattern = '']) => [...keys.keys()].filter((key) => globMatches(pattern, key)) },
  SCAN: { arity: -2, run: scan },
  DBSIZE: { arity: 1, run: (keys) => keys.size },
  FLUSHALL: { arity: -1, writes: true, run: flush },
  FLUSHDB: { arity: -1, writes: true, run: flush },
};

function remove(keys: Keyspace, args: readonly string[]): number {
  return args.filter((key) => keys.kind(key) !== undefined && keys.delete(key)).length;
}

function flush(keys: Keyspace, [mode, ...more]: readonly string[]): Reply {
  if (more.length > 0 || (mode !== undefined && !/^a?sync$/i.test(mode))) throw syntaxError();
  keys.flush();
  return ok;
}

function timeLeft(keys: Keyspace, key: string, unit: number): number {
  const at = keys.expiresAt(key);
  if (at === undefined) return -2;
  return at === null ? -1 : Math.floor((at - keys.now + unit / 2) / unit);
}

function expire(keys: Keyspace, [key = '', time, ...flags]: readonly string[], unit: number, name: string): number {
  const at = keys.now + indexArgument(time) * unit;
  if (!Number.isSafeInteger(at)) throw new CommandError(`ERR invalid expire time in '${name}' command`);
  const only = new Set(flags.map((flag) => flag.toUpperCase()));
  for (const flag of only)
    if (!['NX', 'XX', 'GT', 'LT'].includes(flag)) throw new CommandError(`ERR Unsupported option ${flag}`);
  if (only.has('NX') && only.size > 1)
    throw new CommandError('ERR NX and XX, GT or LT options at the same time are not compatible');
  if (only.has('GT') && only.has('LT'))
    throw new CommandError('ERR GT and LT options at the same time are not compatible');
  const before = keys.expiresAt(key);
  if (before === undefined) return 0;
  if (only.has('NX') && before !== null) return 0;
  if (only.has('XX') && before === null) return 0;
  if (only.has('GT') && at <= (before ?? Infinity)) return 0;
  if (only.has('LT') && at >= (before ?? Infinity)) return 0;
  keys.expire(key, at);
  return 1;
}

function scan(keys: Keyspace, [cursorText = '', ...options]: readonly string[]): Reply {
  if (!/^\d{1,15}$/.test(cursorText)) throw new CommandError('ERR invalid cursor');
  let pattern: string | undefined;
  let kind: string | undefined;
  let count = 10;
  for (let i = 0; i < options.length; i += 2) {
    const [option = '', value] = [options[i]?.toUpperCase(), options[i + 1]];
    if (value === undefined) throw syntaxError();
    if (option === 'MATCH') pattern = value;
    else if (option === 'TYPE') kind = value.toLowerCase();
    else if (option === 'COUNT') count = indexArgument(value);
    else throw syntaxError();
  }
  if (count < 1) throw syntaxError();
  const page = keys.scan(Number(cursorText), count);
  const found = page.keys.filter(
    (key) => (pattern === undefined || globMatches(pattern, key)) && (kind === undefined || keys.kind(key) === kind),
  );
  return [String(page.cursor), found];
}
