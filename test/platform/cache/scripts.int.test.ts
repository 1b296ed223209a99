import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Cache, connectCache } from '../../../runtime/platform/cache/cache.ts';
import { CacheError } from '../../../runtime/platform/cache/errors.ts';
import {
  holdConnection,
  newestState,
  releaseConnection,
  takeToken,
} from '../../../runtime/platform/cache/scripts/index.ts';
import type { CacheScript } from '../../../runtime/platform/cache/scripts/script.ts';
import { realRedis, servers, startReal, startStandIn, type TestRedis } from '../../local/redis/servers.ts';
import { quietLog } from '../../support/log.ts';

async function connect(server: TestRedis): Promise<Cache> {
  const cache = connectCache({ url: server.url, prefix: 'test:' }, { log: quietLog, name: 'test' });
  expect(await cache.upWithin(10_000)).toBe(true);
  return cache;
}

/** One suite over the Lua on a real server and the twins in the stand-in. */
describe.each(servers)('named scripts on the $name', ({ available, start }) => {
  let server: TestRedis;
  let cache: Cache;
  beforeAll(async () => {
    if (!available) return;
    server = await start();
    cache = await connect(server);
  });
  afterAll(async () => {
    if (!available) return;
    await cache.close();
    await server.stop();
  });
  beforeEach(async (context) => {
    if (!available) return context.skip(realRedis.skipReason);
    await cache.redis.flushall();
  });

  test('newestState: the newest of any order of arrival stays, with its time to live', async () => {
    const put = (ts: number, seq: number) =>
      cache.run(newestState, { key: 'k', ts, seq, payload: `{"at":"${ts}/${seq} °C"}`, ttlSeconds: 60 });
    expect([
      await put(5, 1),
      await put(5, 0),
      await put(5, 1),
      await put(4, 9),
      await put(5, 2),
      await put(10, 0),
    ]).toEqual([true, false, false, false, true, true]);
    expect(await cache.redis.hgetall('k')).toEqual({ ts: '10', seq: '0', payload: '{"at":"10/0 °C"}' });
    expect(await cache.redis.ttl('k')).toBe(60);
    await expect(put(1.5, 0)).rejects.toThrow('newestState: ts is 1.5, allowed is a whole number');
  });

  test('newestState: a pipeline of 500 shuffled readings, each with its own result', async () => {
    const inputs = Array.from({ length: 500 }, (_, i) => {
      return { key: `k${i % 5}`, ts: (i * 7919) % 500, seq: 0, payload: String(i), ttlSeconds: 60 };
    });
    await cache.redis.set('test', 'not a hash');
    const results = await cache.runMany(newestState, [...inputs, { ...inputs[0], key: 'test' } as (typeof inputs)[0]]);
    expect(results.length).toBe(501);
    expect(results[500]).toBeInstanceOf(CacheError);
    expect((results[500] as CacheError).code).toBe('refused');
    for (let k = 0; k < 5; k += 1) {
      const newest = Math.max(...inputs.filter(({ key }) => key === `k${k}`).map(({ ts }) => ts));
      expect(await cache.redis.hget(`k${k}`, 'ts')).toBe(String(newest));
    }
  });

  test('scripts come back by themselves after SCRIPT FLUSH', async () => {
    const input = { key: 'k', ts: 1, seq: 0, payload: '{}', ttlSeconds: 60 };
    await cache.run(newestState, input);
    await cache.redis.script('FLUSH');
    expect(await cache.run(newestState, { ...input, ts: 2 })).toBe(true);
    await cache.redis.script('FLUSH');
    expect(
      await cache.runMany(newestState, [
        { ...input, ts: 3 },
        { ...input, ts: 2 },
      ]),
    ).toEqual([true, false]);
  });

  test('takeToken: burst, then the rate; refused cost nothing; an impossible cost says so', async () => {
    const take = (nowMs: number, cost = 1) =>
      cache.run(takeToken, { key: 'r', nowMs, burst: 3, ratePerSecond: 10, cost });
    expect(await take(1_000)).toEqual({ allowed: true, remaining: 2, retryAfterMs: 0, resetMs: 100 });
    expect(await take(1_000, 2)).toEqual({ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 300 });
    expect(await take(1_000)).toEqual({ allowed: false, remaining: 0, retryAfterMs: 100, resetMs: 300 });
    expect(await take(1_040, 2)).toEqual({ allowed: false, remaining: 0, retryAfterMs: 160, resetMs: 260 });
    expect((await take(1_100)).allowed).toBe(true);
    expect((await take(1_199)).allowed).toBe(false);
    expect(await take(9_000, 4)).toEqual({ allowed: false, remaining: 3, retryAfterMs: -1, resetMs: 0 });
    await cache.redis.set('r', '99999999999999');
    expect((await take(1_000)).retryAfterMs).toBe(100); // a clock that was wrong locks nobody out
    expect(await cache.redis.pttl('r')).toBe(-1); // refused: nothing written
  });

  test('holdConnection and releaseConnection: the newest connection wins, and only its holder lets go', async () => {
    const hold = (gateway: string, epoch: number) =>
      cache.run(holdConnection, { key: 'p', gateway, epoch, ttlMs: 30_000, info: `{"on":"${gateway}"}` });
    const release = (gateway: string, epoch: number) => cache.run(releaseConnection, { key: 'p', gateway, epoch });
    expect(await hold('a', 10)).toEqual({ held: true, other: null });
    expect(await hold('a', 10)).toEqual({ held: true, other: null });
    expect(await hold('b', 10)).toEqual({ held: false, other: { gateway: 'a', epoch: 10 } });
    expect(await hold('b', 11)).toEqual({ held: true, other: { gateway: 'a', epoch: 10 } });
    expect(await hold('a', 10)).toEqual({ held: false, other: { gateway: 'b', epoch: 11 } });
    expect(await cache.redis.hgetall('p')).toEqual({ gateway: 'b', epoch: '11', info: '{"on":"b"}' });
    expect(await cache.redis.pttl('p')).toBeGreaterThan(1_000);
    expect([await release('a', 10), await release('a', 11), await release('b', 10)]).toEqual([false, false, false]);
    expect([await release('b', 11), await release('b', 11)]).toEqual([true, false]);
    expect(await hold('a', 10)).toEqual({ held: true, other: null });
  });
});

describe('a twin and its Lua', () => {
  let cleanup: (() => Promise<unknown>)[] = [];
  let pair: { lua: Redis; twin: Redis };
  beforeAll(async () => {
    if (!realRedis.available) return;
    const [real, standIn] = await Promise.all([startReal(), startStandIn()]);
    const client = ({ port }: TestRedis) => new Redis({ host: '127.0.0.1', port, protocol: 2 });
    pair = { lua: client(real), twin: client(standIn) };
    cleanup = [async () => pair.lua.disconnect(), async () => pair.twin.disconnect(), real.stop, standIn.stop];
  });
  afterAll(async () => {
    for (const stop of cleanup) await stop();
  });
  beforeEach((context) => {
    if (!realRedis.available) context.skip(realRedis.skipReason);
  });

  const key = fc.constantFrom('one', 'two');
  const few = fc.integer({ min: 0, max: 4 });
  const whole = fc.oneof(few, fc.nat(), fc.constantFrom(2 ** 31, 1_800_000_000_000, Number.MAX_SAFE_INTEGER));
  const seconds = fc.integer({ min: 1, max: 1_000 });
  const step = <I>(script: CacheScript<I, unknown>, input: fc.Arbitrary<I>) =>
    input.map((value) => ({ lua: script.lua, args: script.encode(value) }));
  const junk = fc.constantFrom<string[]>(
    ['HSET', 'one', 'ts', 'x'],
    ['HSET', 'one', 'ts', '3'],
    ['HSET', 'two', 'epoch', '2'],
    ['HSET', 'two', 'gateway', 'a'],
    ['SET', 'one', 'text'],
    ['SET', 'one', '5000000'],
    ['DEL', 'one'],
    ['DEL', 'two'],
  );

  async function reply(redis: Redis, lua: string, args: (string | number)[]): Promise<unknown> {
    try {
      return await redis.eval(lua, 1, ...args);
    } catch (error) {
      return (error as Error).message.split(' ')[0]; // the code; a real server adds where in the script
    }
  }

  test.each([
    [
      'newestState',
      step(newestState, fc.record({ key, ts: whole, seq: whole, payload: fc.string(), ttlSeconds: seconds })),
    ],
    [
      'holdConnection and releaseConnection',
      fc.oneof(
        step(
          holdConnection,
          fc.record({
            key,
            gateway: fc.constantFrom('a', 'b', 'c'),
            epoch: few.map((n) => n + 1),
            ttlMs: seconds.map((s) => s * 1000),
            info: fc.string(),
          }),
        ),
        step(
          releaseConnection,
          fc.record({ key, gateway: fc.constantFrom('a', 'b', 'c'), epoch: few.map((n) => n + 1) }),
        ),
      ),
    ],
    [
      'takeToken',
      step(
        takeToken,
        fc
          .record({
            key,
            nowMs: fc.oneof(
              few.map((n) => n * 40 + 1_800_000_000_000),
              fc.nat(4_000_000_000_000),
            ),
            ratePerSecond: fc.oneof(fc.constantFrom(0.001, 3, 7), fc.double({ min: 0.001, max: 1e5, noNaN: true })),
            spare: few,
            more: few,
          })
          // A second's worth at least, so that no key ends on one server between two steps and on the other not yet.
          .map(({ spare, more, ...input }) => {
            const cost = Math.ceil(input.ratePerSecond) + more;
            return { ...input, cost, burst: Math.max(1, cost * spare - 1) };
          }),
      ),
    ],
  ])('%s: the same replies and the same data, on any sequence', async (_, script) => {
    const steps = fc.array(fc.oneof({ weight: 9, arbitrary: script }, { weight: 1, arbitrary: junk }), {
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        await Promise.all([pair.lua.flushall(), pair.twin.flushall()]);
        for (const each of sequence) {
          if (Array.isArray(each)) {
            const [name = '', ...args] = each;
            const run = (redis: Redis) => redis.call(name, ...args).catch((error: Error) => error.message);
            expect(await run(pair.twin)).toEqual(await run(pair.lua));
          } else {
            expect(await reply(pair.twin, each.lua, each.args)).toEqual(await reply(pair.lua, each.lua, each.args));
            // Whether it set an expiry; and from here on time changes nothing.
            const persist = (redis: Redis) => redis.persist(String(each.args[0]));
            expect(await persist(pair.twin)).toBe(await persist(pair.lua));
          }
        }
        for (const name of ['one', 'two']) {
          const dump = async (redis: Redis) => {
            const type = await redis.type(name);
            const value =
              type === 'hash' ? await redis.hgetall(name) : type === 'string' ? await redis.get(name) : null;
            return { type, value };
          };
          expect(await dump(pair.twin)).toEqual(await dump(pair.lua));
        }
      }),
      { numRuns: 150 },
    );
  });
});
