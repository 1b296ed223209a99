import { Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { Presence } from '../../runtime/gateway/presence.ts';
import { Session } from '../../runtime/gateway/session.ts';
import type { Cache } from '../../runtime/platform/cache/cache.ts';
import { holdConnection } from '../../runtime/platform/cache/scripts/index.ts';
import { quietLog } from '../support/log.ts';

afterEach(() => void vi.useRealTimers());

/** A cache that notes what is asked of it and holds every connection. */
function harness() {
  vi.useFakeTimers();
  const asked: string[] = [];
  const pipeline = { zadd: () => pipeline, pexpire: () => pipeline, exec: async () => void asked.push('index') };
  const cache = {
    status: () => 'up',
    onUp: () => () => undefined,
    redis: {
      set: async () => void asked.push('name'),
      pipeline: () => pipeline,
      zrem: async () => void asked.push('unindex'),
    },
    runMany: async (script: unknown, inputs: unknown[]) => {
      asked.push(`${script === holdConnection ? 'hold' : 'release'} ${inputs.length}`);
      return inputs.map(() => ({ held: true }));
    },
  } as unknown as Cache;
  const presence = new Presence({
    cache,
    gateway: 'gateway-1',
    sessions: () => [],
    onDisplaced: () => undefined,
    log: quietLog,
  });
  const session = (device: string) => {
    const one = new Session(new Socket(), undefined, 0);
    Object.assign(one, { tenant: 'main', device, name: `main/${device}`, connection: 1 });
    return one;
  };
  return { asked, presence, session };
}

test('a storm of connections is a few writes, not a few for each', async () => {
  const { asked, presence, session } = harness();
  for (let i = 0; i < 300; i++) {
    presence.connected(session(`sensor-${i}`));
    await vi.advanceTimersByTimeAsync(1);
  }
  await vi.advanceTimersByTimeAsync(200);
  const held = asked.filter((a) => a.startsWith('hold')).map((a) => Number(a.split(' ')[1]));
  expect(held.reduce((sum, n) => sum + n, 0)).toBe(300);
  expect(held.length).toBeLessThanOrEqual(4);
  expect(asked.filter((a) => a === 'name')).toHaveLength(1);
  await presence.stop();
});

test('a connection that Redis was told of is released, one that came and went meanwhile is not written at all', async () => {
  const { asked, presence, session } = harness();
  const [brief, known] = [session('brief'), session('known')];
  presence.connected(brief);
  presence.ended(brief);
  await vi.advanceTimersByTimeAsync(200);
  expect(asked.filter((a) => a.startsWith('hold') || a.startsWith('release'))).toEqual([]);
  presence.connected(known);
  await vi.advanceTimersByTimeAsync(200);
  presence.ended(known);
  await vi.advanceTimersByTimeAsync(200);
  expect(asked.filter((a) => a.startsWith('hold') || a.startsWith('release'))).toEqual(['hold 1', 'release 1']);
  await presence.stop();
});
