import { elementOverhead, type Keyspace } from '../keyspace.ts';
import { CommandError, nullArray, ok, type Reply } from '../resp.ts';
import { type DataCommands, indexArgument, rangeBounds, wrongArity } from './command.ts';

/** Lists are arrays: pushing and popping on the left moves the rest. Meant for short lists. */
export const listCommands: DataCommands = {
  LPUSH: { arity: -3, grows: true, writes: true, run: (keys, args) => push(keys, args, 'left') },
  RPUSH: { arity: -3, grows: true, writes: true, run: (keys, args) => push(keys, args, 'right') },
  LPOP: { arity: -2, writes: true, run: (keys, args) => pop(keys, args, 'left') },
  RPOP: { arity: -2, writes: true, run: (keys, args) => pop(keys, args, 'right') },
  LLEN: { arity: 2, run: (keys, [key = '']) => keys.read(key, 'list')?.length ?? 0 },
  LRANGE: {
    arity: 4,
    run(keys, [key = '', start, stop]) {
      const [from, to] = [indexArgument(start), indexArgument(stop)];
      const list = keys.read(key, 'list') ?? [];
      return list.slice(...rangeBounds(from, to, list.length));
    },
  },
  LTRIM: {
    arity: 4,
    writes: true,
    run(keys, [key = '', start, stop]) {
      const bounds = [indexArgument(start), indexArgument(stop)] as const;
      const list = keys.read(key, 'list');
      if (list === undefined) return ok;
      const [from, to] = rangeBounds(...bounds, list.length);
      const removed = [...list.splice(to), ...list.splice(0, from)];
      keys.changed(key, -bytesOf(removed));
      return ok;
    },
  },
};

function bytesOf(items: readonly string[]): number {
  return items.reduce((sum, { length }) => sum + elementOverhead + length, 0);
}

function push(keys: Keyspace, [key = '', ...items]: readonly string[], side: 'left' | 'right'): number {
  const list = keys.open(key, 'list');
  for (const item of items) {
    if (side === 'left') list.unshift(item);
    else list.push(item);
  }
  keys.changed(key, bytesOf(items));
  return list.length;
}

function pop(keys: Keyspace, [key = '', countText, ...more]: readonly string[], side: 'left' | 'right'): Reply {
  if (more.length > 0) throw wrongArity(side === 'left' ? 'LPOP' : 'RPOP');
  const count = countText === undefined ? 1 : indexArgument(countText);
  if (count < 0) throw new CommandError('ERR value is out of range, must be positive');
  const list = keys.read(key, 'list');
  if (list === undefined) return countText === undefined ? null : nullArray;
  if (count === 0) return [];
  const items = side === 'left' ? list.splice(0, count) : list.splice(-count).reverse();
  keys.changed(key, -bytesOf(items));
  return countText === undefined ? (items[0] ?? null) : items;
}
