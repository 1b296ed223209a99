import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createChannels } from '../../../runtime/local/redis/channels.ts';
import { globMatches } from '../../../runtime/local/redis/glob.ts';
import { Keyspace } from '../../../runtime/local/redis/keyspace.ts';
import { createScripts } from '../../../runtime/local/redis/scripts.ts';
import { createSession, type Session, type SessionBounds } from '../../../runtime/local/redis/session.ts';
import { cacheScripts } from '../../../runtime/platform/cache/scripts/index.ts';

function setup(bounds: Partial<SessionBounds> = {}) {
  let now = 1_000_000;
  const keys = new Keyspace(() => now);
  const faults: unknown[] = [];
  const session: Session = createSession(
    {
      keys,
      channels: createChannels(),
      scripts: createScripts(cacheScripts),
      bounds: { memoryBytes: 1e9, queuedCommands: 100, subscriptions: 5, ...bounds },
      info: () => '',
      onFault: (error) => faults.push(error),
    },
    1,
    () => undefined,
  );
  return { keys, faults, run: (...command: string[]) => session.execute(command), pass: (ms: number) => (now += ms) };
}

describe('memory', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const text = fc.string({ maxLength: 20 });
  const small = fc.integer({ min: -3, max: 3 }).map(String);
  const command = fc.oneof(
    fc.tuple(fc.constantFrom('SET', 'SADD', 'SREM', 'LPUSH', 'RPUSH', 'ZREM', 'HDEL'), key, text),
    fc.tuple(fc.constant('HSET'), key, text, text),
    fc.tuple(fc.constant('ZADD'), key, small, text),
    fc.tuple(fc.constantFrom('LTRIM', 'ZREMRANGEBYSCORE'), key, small, small),
    fc.tuple(fc.constantFrom('INCR', 'LPOP', 'RPOP', 'DEL', 'PERSIST'), key),
    fc.tuple(fc.constant('HINCRBY'), key, text, small),
    fc.tuple(fc.constant('EXPIRE'), key, small),
    fc.constant(['FLUSHALL']),
  );

  test('the estimate follows every change, and an empty server holds nothing', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const { keys, run, pass, faults } = setup();
        for (const each of commands) {
          run(...each);
          expect(keys.bytes > 0).toBe(keys.size > 0);
        }
        pass(10_000);
        for (const each of [...keys.keys()]) run('DEL', each);
        keys.expireSome(100);
        expect([keys.size, keys.bytes, keys.expiringSize, faults]).toEqual([0, 0, 0, []]);
      }),
    );
  });

  test('a full server refuses what grows, and lets go, read and shrink', () => {
    const { run } = setup({ memoryBytes: 1_000 });
    expect(run('SET', 'a', 'x'.repeat(2_000))).toBe('+OK\r\n');
    for (const command of [
      ['SET', 'b', '1'],
      ['HSET', 'h', 'f', 'v'],
      ['RPUSH', 'l', '1'],
      ['INCR', 'n'],
    ])
      expect(run(...command)).toMatch(/^-OOM command not allowed/);
    expect(run('MULTI') + run('SET', 'b', '1') + run('EXEC')).toContain('-OOM');
    expect(run('GET', 'a')).toHaveLength(2_009);
    expect(run('DEL', 'a')).toBe(':1\r\n');
    expect(run('SET', 'b', '1')).toBe('+OK\r\n');
  });
});

describe('expiry', () => {
  test('by the clock: gone for a reader at once, freed without one', () => {
    const { keys, run, pass } = setup();
    run('SET', 'a', '1', 'PX', '100');
    run('SET', 'b', '1', 'EX', '100');
    pass(99);
    expect(run('PTTL', 'a')).toBe(':1\r\n');
    pass(1);
    expect([run('GET', 'a'), run('EXISTS', 'a'), run('TTL', 'a')]).toEqual(['$-1\r\n', ':0\r\n', ':-2\r\n']);
    for (let i = 0; i < 1_000; i += 1) run('SET', `k${i}`, '1', 'PX', '10');
    pass(10);
    while (keys.expireSome(50).freed > 0);
    expect([keys.size, keys.expiringSize]).toEqual([1, 1]);
  });

  test('a sweep looks at different keys each time, and ends when there are fewer than asked for', () => {
    const { keys, run, pass } = setup();
    for (let i = 0; i < 10; i += 1) run('SET', `k${i}`, '1', 'PX', i === 9 ? '10' : '1000');
    pass(20);
    const freed = [keys.expireSome(3), keys.expireSome(3), keys.expireSome(3), keys.expireSome(3)].map((r) => r.freed);
    expect(freed.reduce((a, b) => a + b)).toBe(1);
    expect(keys.expireSome(1_000)).toEqual({ seen: 9, freed: 0 });
  });
});

test('SCAN gives each lasting key once, also when a cursor is used again or 100 scans are open', () => {
  const { keys, run } = setup();
  for (let i = 0; i < 500; i += 1) run('SET', `k${i}`, '1');
  const open = Array.from({ length: 100 }, () => keys.scan(0, 7));
  run('DEL', 'k3', 'k400');
  run('SET', 'k10', 'replaced');
  for (const first of open) {
    const seen = [...first.keys];
    for (let cursor = first.cursor; cursor !== 0; ) {
      const page = keys.scan(cursor, 7);
      const again = keys.scan(cursor, 7);
      expect(again.keys).toEqual(page.keys);
      seen.push(...page.keys);
      cursor = page.cursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((key) => key !== 'k3').length).toBe(498);
    break; // one whole scan; the others only hold their place
  }
});

describe('bounds and refusals', () => {
  test('a script that is not the platform’s is refused with the way out; known ones are loaded by EVAL', () => {
    const { run } = setup();
    const [script] = cacheScripts;
    expect(run('EVAL', 'return 1', '0')).toMatch(/^-ERR the stand-in runs no Lua but .*newestState.*redis-server/);
    expect(run('EVALSHA', 'f'.repeat(40), '0')).toMatch(/^-NOSCRIPT/);
    const sha = run('SCRIPT', 'LOAD', script?.lua ?? '').slice(5, 45);
    expect(run('SCRIPT', 'EXISTS', sha, 'f'.repeat(40))).toBe('*2\r\n:1\r\n:0\r\n');
    expect(run('EVALSHA', sha, '1', 'k', '5', '0', '{}', '60')).toBe(':1\r\n');
    expect(run('EVALSHA', sha, '1', 'k', '4', '9', '{}', '60')).toBe(':0\r\n');
    expect(run('EVALSHA', sha, '2', 'k')).toContain("can't be greater than number of args");
    run('SET', 'string', '1');
    expect(run('EVALSHA', sha, '1', 'string', '5', '0', '{}', '60')).toMatch(/^-WRONGTYPE/);
    run('SCRIPT', 'FLUSH');
    expect(run('EVALSHA', sha, '1', 'k')).toMatch(/^-NOSCRIPT/);
  });

  test('MULTI and subscriptions are bounded', () => {
    const { run } = setup();
    run('MULTI');
    for (let i = 0; i < 100; i += 1) expect(run('SET', 'a', '1')).toBe('+QUEUED\r\n');
    expect(run('SET', 'a', '1')).toContain('MULTI holds 100 commands');
    expect(run('EXEC')).toContain('EXECABORT');
    expect(run('SUBSCRIBE', '1', '2', '3', '4', '5', '6')).toContain('too many subscriptions');
    expect(run('GET', 'a')).toBe('$-1\r\n');
    run('SUBSCRIBE', 'a');
    expect(run('GET', 'a')).toContain("Can't execute 'get'");
    expect(run('PING', 'x')).toBe('*2\r\n$4\r\npong\r\n$1\r\nx\r\n');
    expect(run('UNSUBSCRIBE')).toBe('*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n');
    expect(run('UNSUBSCRIBE')).toBe('*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n');
  });

  test('any command with any arguments is answered, never a fault', () => {
    const names = fc.constantFrom(
      ...'GET SET MGET MSET INCR INCRBY DEL EXISTS EXPIRE TTL SCAN KEYS HSET HGET HMGET HINCRBY HSCAN SADD SREM ZADD ZRANGE'.split(
        ' ',
      ),
      ...'ZRANGEBYSCORE ZREM ZREMRANGEBYSCORE LPUSH LPOP RPOP LRANGE LTRIM WATCH MULTI EXEC DISCARD SUBSCRIBE EVAL'.split(
        ' ',
      ),
      ...'SCRIPT CLIENT COMMAND HELLO AUTH SELECT TYPE constructor __proto__ toString'.split(' '),
    );
    const odd = fc.oneof(
      fc.string({ maxLength: 5 }),
      fc.constantFrom(
        'a',
        'b',
        '0',
        '-1',
        '9223372036854775807',
        '(1',
        'inf',
        'NX',
        'EX',
        'LIMIT',
        '*',
        'MATCH',
        'BYSCORE',
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.array(odd, { maxLength: 6 })), { maxLength: 30 }), (commands) => {
        const { run, faults } = setup();
        for (const [name, args] of commands) expect(run(name, ...args)).toMatch(/\r\n$/);
        expect(faults).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

test('a pattern of many stars is decided quickly', () => {
  const steps = 'a'.repeat(2_000);
  expect(globMatches(`${'a*'.repeat(200)}b`, steps)).toBe(false);
  expect(globMatches(`${'a*'.repeat(200)}`, steps)).toBe(true);
});
