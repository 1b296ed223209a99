import { elementOverhead } from '../keyspace.ts';
import type { DataCommands } from './command.ts';

export const setCommands: DataCommands = {
  SADD: {
    arity: -3,
    grows: true,
    writes: true,
    run(keys, [key = '', ...members]) {
      const set = keys.open(key, 'set');
      let [added, delta] = [0, 0];
      for (const member of members) {
        if (set.has(member)) continue;
        set.add(member);
        added += 1;
        delta += elementOverhead + member.length;
      }
      if (added > 0) keys.changed(key, delta);
      return added;
    },
  },
  SREM: {
    arity: -3,
    writes: true,
    run(keys, [key = '', ...members]) {
      const set = keys.read(key, 'set');
      const removed = members.filter((member) => set?.delete(member));
      if (removed.length > 0)
        keys.changed(key, -removed.reduce((sum, { length }) => sum + elementOverhead + length, 0));
      return removed.length;
    },
  },
  SMEMBERS: { arity: 2, run: (keys, [key = '']) => [...(keys.read(key, 'set') ?? [])] },
  SCARD: { arity: 2, run: (keys, [key = '']) => keys.read(key, 'set')?.size ?? 0 },
  SISMEMBER: { arity: 3, run: (keys, [key = '', member = '']) => (keys.read(key, 'set')?.has(member) ? 1 : 0) },
};
