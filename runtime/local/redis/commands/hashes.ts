import { globMatches } from '../glob.ts';
import { elementOverhead, type Keyspace } from '../keyspace.ts';
import { CommandError, type Reply } from '../resp.ts';
import { type DataCommands, indexArgument, syntaxError, wholeArgument, wrongArity } from './command.ts';

export const hashCommands: DataCommands = {
  HSET: { arity: -4, grows: true, writes: true, run: set },
  HGET: { arity: 3, run: (keys, [key = '', field = '']) => keys.read(key, 'hash')?.get(field) ?? null },
  HMGET: {
    arity: -3,
    run(keys, [key = '', ...fields]) {
      const hash = keys.read(key, 'hash');
      return fields.map((field) => hash?.get(field) ?? null);
    },
  },
  HGETALL: { arity: 2, run: (keys, [key = '']) => [...(keys.read(key, 'hash') ?? [])].flat() },
  HKEYS: { arity: 2, run: (keys, [key = '']) => [...(keys.read(key, 'hash')?.keys() ?? [])] },
  HLEN: { arity: 2, run: (keys, [key = '']) => keys.read(key, 'hash')?.size ?? 0 },
  HDEL: { arity: -3, writes: true, run: remove },
  HINCRBY: { arity: 4, grows: true, writes: true, run: add },
  HSCAN: { arity: -3, run: scan },
};

function put(hash: Map<string, string>, field: string, value: string): number {
  const old = hash.get(field);
  hash.set(field, value);
  return old === undefined ? elementOverhead + field.length + value.length : value.length - old.length;
}

function set(keys: Keyspace, [key = '', ...pairs]: readonly string[]): number {
  if (pairs.length % 2 !== 0) throw wrongArity('HSET');
  const hash = keys.open(key, 'hash');
  const before = hash.size;
  let delta = 0;
  for (let i = 0; i < pairs.length; i += 2) delta += put(hash, pairs[i] ?? '', pairs[i + 1] ?? '');
  keys.changed(key, delta);
  return hash.size - before;
}

function remove(keys: Keyspace, [key = '', ...fields]: readonly string[]): number {
  const hash = keys.read(key, 'hash');
  if (hash === undefined) return 0;
  let [removed, delta] = [0, 0];
  for (const field of fields) {
    const value = hash.get(field);
    if (value === undefined) continue;
    hash.delete(field);
    removed += 1;
    delta -= elementOverhead + field.length + value.length;
  }
  if (removed > 0) keys.changed(key, delta);
  return removed;
}

function add(keys: Keyspace, [key = '', field = '', byText]: readonly string[]): bigint {
  const by = wholeArgument(byText);
  const before = keys.read(key, 'hash')?.get(field) ?? '0';
  if (!/^-?\d{1,19}$/.test(before)) throw new CommandError('ERR hash value is not an integer');
  const after = BigInt(before) + by;
  if (after < -(2n ** 63n) || after > 2n ** 63n - 1n)
    throw new CommandError('ERR increment or decrement would overflow');
  keys.changed(key, put(keys.open(key, 'hash'), field, String(after)));
  return after;
}

/** The whole hash in one page: what a real server does for small ones, and allowed for all. */
function scan(keys: Keyspace, [key = '', cursor = '', ...options]: readonly string[]): Reply {
  if (!/^\d{1,15}$/.test(cursor)) throw new CommandError('ERR invalid cursor');
  let pattern: string | undefined;
  for (let i = 0; i < options.length; i += 2) {
    const [option, value] = [options[i]?.toUpperCase(), options[i + 1]];
    if (option === 'MATCH' && value !== undefined) pattern = value;
    else if (option !== 'COUNT' || indexArgument(value) < 1) throw syntaxError();
  }
  const fields = [...(keys.read(key, 'hash') ?? [])];
  return ['0', fields.filter(([field]) => pattern === undefined || globMatches(pattern, field)).flat()];
}
