import { elementOverhead, type Keyspace } from '../keyspace.ts';
import { CommandError, type Reply } from '../resp.ts';
import type { Scored } from '../sorted-set.ts';
import { type DataCommands, floatArgument, floatText, indexArgument, rangeBounds, syntaxError } from './command.ts';

export const sortedSetCommands: DataCommands = {
  ZADD: { arity: -4, grows: true, writes: true, run: add },
  ZREM: {
    arity: -3,
    writes: true,
    run: (keys, [key = '', ...members]) => remove(keys, key, members),
  },
  ZCARD: { arity: 2, run: (keys, [key = '']) => keys.read(key, 'zset')?.size ?? 0 },
  ZSCORE: {
    arity: 3,
    run(keys, [key = '', member = '']) {
      const score = keys.read(key, 'zset')?.score(member);
      return score === undefined ? null : floatText(score);
    },
  },
  ZRANGE: { arity: -4, run: range },
  ZRANGEBYSCORE: {
    arity: -4,
    run(keys, [key = '', min = '', max = '', ...options]) {
      const { limit, withScores } = rangeOptions(options, ['LIMIT', 'WITHSCORES']);
      return reply(cut(byScore(keys, key, min, max), limit), withScores);
    },
  },
  ZREMRANGEBYSCORE: {
    arity: 4,
    writes: true,
    run(keys, [key = '', min = '', max = '']) {
      const members = byScore(keys, key, min, max).map(({ member }) => member);
      return remove(keys, key, members);
    },
  },
};

function add(keys: Keyspace, [key = '', ...args]: readonly string[]): number {
  const flags = new Set<string>();
  let first = 0;
  for (; first < args.length && /^(?:NX|XX|GT|LT|CH)$/i.test(args[first] ?? ''); first += 1)
    flags.add((args[first] ?? '').toUpperCase());
  const pairs = args.slice(first);
  if (pairs.length === 0 || pairs.length % 2 !== 0) throw syntaxError();
  if (flags.has('NX') && flags.has('XX'))
    throw new CommandError('ERR XX and NX options at the same time are not compatible');
  if ((flags.has('GT') && flags.has('LT')) || (flags.has('NX') && (flags.has('GT') || flags.has('LT'))))
    throw new CommandError('ERR GT, LT, and/or NX options at the same time are not compatible');
  const scores = pairs.filter((_, i) => i % 2 === 0).map((text) => floatArgument(text));
  if (flags.has('XX') && keys.kind(key) === undefined) return 0;
  const set = keys.open(key, 'zset');
  let [added, updated, delta] = [0, 0, 0];
  scores.forEach((score, i) => {
    const member = pairs[2 * i + 1] ?? '';
    const old = set.score(member);
    if (old === undefined) {
      if (flags.has('XX')) return;
      added += 1;
      delta += elementOverhead + 8 + member.length;
    } else {
      if (flags.has('NX') || old === score) return;
      if ((flags.has('GT') && score < old) || (flags.has('LT') && score > old)) return;
      updated += 1;
    }
    set.set(member, score);
  });
  if (added + updated > 0) keys.changed(key, delta);
  return flags.has('CH') ? added + updated : added;
}

function remove(keys: Keyspace, key: string, members: readonly string[]): number {
  const set = keys.read(key, 'zset');
  const removed = members.filter((member) => set?.delete(member));
  if (removed.length > 0)
    keys.changed(key, -removed.reduce((sum, { length }) => sum + elementOverhead + 8 + length, 0));
  return removed.length;
}

type RangeOptions = { byScore: boolean; reverse: boolean; withScores: boolean; limit: [number, number] | null };

function rangeOptions(args: readonly string[], allowed: readonly string[]): RangeOptions {
  const options: RangeOptions = { byScore: false, reverse: false, withScores: false, limit: null };
  for (let i = 0; i < args.length; i += 1) {
    const option = (args[i] ?? '').toUpperCase();
    if (!allowed.includes(option)) throw syntaxError();
    if (option === 'BYSCORE') options.byScore = true;
    else if (option === 'REV') options.reverse = true;
    else if (option === 'WITHSCORES') options.withScores = true;
    else {
      if (i + 2 >= args.length) throw syntaxError();
      options.limit = [indexArgument(args[i + 1]), indexArgument(args[i + 2])];
      i += 2;
    }
  }
  return options;
}

function range(keys: Keyspace, [key = '', start = '', stop = '', ...args]: readonly string[]): Reply {
  const options = rangeOptions(args, ['BYSCORE', 'REV', 'WITHSCORES', 'LIMIT']);
  if (options.byScore) {
    // With REV the higher bound comes first.
    const [min, max] = options.reverse ? [stop, start] : [start, stop];
    const items = byScore(keys, key, min, max);
    return reply(cut(options.reverse ? items.reverse() : items, options.limit), options.withScores);
  }
  if (options.limit !== null)
    throw new CommandError('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX');
  const [from, to] = [indexArgument(start), indexArgument(stop)];
  const ordered = keys.read(key, 'zset')?.ordered ?? [];
  const items = options.reverse ? [...ordered].reverse() : ordered;
  return reply(items.slice(...rangeBounds(from, to, ordered.length)), options.withScores);
}

/** Elements between two bounds such as `5`, `(5`, `-inf`, in order. */
function byScore(keys: Keyspace, key: string, min: string, max: string): Scored[] {
  const [low, high] = [scoreBound(min), scoreBound(max)];
  const set = keys.read(key, 'zset');
  return set?.ordered.slice(set.firstAt(low.score, low.exclusive), set.firstAt(high.score, !high.exclusive)) ?? [];
}

function scoreBound(text: string): { score: number; exclusive: boolean } {
  const exclusive = text.startsWith('(');
  return { score: floatArgument(exclusive ? text.slice(1) : text, 'ERR min or max is not a float'), exclusive };
}

function cut(items: readonly Scored[], limit: [number, number] | null): readonly Scored[] {
  if (limit === null) return items;
  const [offset, count] = limit;
  if (offset < 0) return [];
  return count < 0 ? items.slice(offset) : items.slice(offset, offset + count);
}

function reply(items: readonly Scored[], withScores: boolean): Reply {
  return items.flatMap(({ member, score }) => (withScores ? [member, floatText(score)] : [member]));
}
