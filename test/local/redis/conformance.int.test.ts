import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { failure, servers, type TestRedis } from './servers.ts';

/** Written once, run on the stand-in and on a real server: what passes here may be relied on with either. */
describe.each(servers)('Redis commands on the $name', ({ available, start }) => {
  let server: TestRedis;
  let redis: Redis;
  let other: Redis;

  beforeAll(async () => {
    if (!available) return;
    server = await start();
    redis = connect();
    other = connect();
  });
  afterAll(async () => {
    if (!available) return;
    redis.disconnect();
    other.disconnect();
    await server.stop();
  });
  beforeEach(async (context) => {
    if (!available) return context.skip('neither redis-server nor valkey-server is on PATH');
    await redis.flushall();
  });
  function connect(): Redis {
    return new Redis({ host: '127.0.0.1', port: server.port, protocol: 2 });
  }
  const call = (name: string, ...args: (string | number | Buffer)[]) => redis.call(name, ...args);
  const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';

  test('connection: PING, ECHO, SELECT, CLIENT, HELLO, INFO, COMMAND, QUIT', async () => {
    expect(await redis.ping()).toBe('PONG');
    expect(await redis.ping('x')).toBe('x');
    expect(await redis.echo('hello')).toBe('hello');
    expect(await redis.select(0)).toBe('OK');
    expect(await failure(call('SELECT', 'x'))).toBe('ERR value is not an integer or out of range');
    expect(await failure(call('SELECT', '99'))).toContain('ERR DB index is out of range');
    expect(await call('CLIENT', 'SETNAME', 'tester')).toBe('OK');
    expect(await call('CLIENT', 'GETNAME')).toBe('tester');
    expect(await failure(call('CLIENT', 'SETNAME', 'a b'))).toContain('Client names cannot contain spaces');
    expect(Number(await call('CLIENT', 'ID'))).toBeGreaterThan(0);
    expect(await redis.info()).toContain('loading:0');
    expect(Number(await call('COMMAND', 'COUNT'))).toBeGreaterThan(40);
    expect(await failure(call('AUTH', 'x'))).toContain('without any password configured');
    expect(await call('AUTH', 'default', 'x')).toBe('OK');
    expect(await failure(call('AUTH', 'nobody', 'x'))).toContain('WRONGPASS');
    const hello = (await call('HELLO', '2')) as unknown[];
    expect(hello.slice(0, 2)).toEqual(['server', 'redis']);
    expect(await failure(call('HELLO', '4'))).toBe('NOPROTO unsupported protocol version');
    const leaving = connect();
    expect(await leaving.quit()).toBe('OK');
  });

  test('errors: unknown command, wrong number of arguments', async () => {
    expect(await failure(call('NOSUCH', 'a'))).toContain("unknown command 'NOSUCH'");
    expect(await failure(call('GET'))).toBe("ERR wrong number of arguments for 'get' command");
    expect(await failure(call('GET', 'a', 'b'))).toBe("ERR wrong number of arguments for 'get' command");
    expect(await failure(call('MSET', 'a'))).toBe("ERR wrong number of arguments for 'mset' command");
    expect(await failure(call('HSET', 'a', 'b'))).toBe("ERR wrong number of arguments for 'hset' command");
    expect(await failure(call('HSET', 'a', 'b', 'c', 'd'))).toBe("ERR wrong number of arguments for 'hset' command");
  });

  test('strings: SET with its options, GET, MGET, MSET', async () => {
    expect(await redis.get('a')).toBeNull();
    expect(await redis.set('a', '1')).toBe('OK');
    expect(await redis.set('a', '2', 'NX')).toBeNull();
    expect(await redis.set('b', '2', 'XX')).toBeNull();
    expect(await call('SET', 'a', '3', 'XX', 'GET')).toBe('1');
    expect(await call('SET', 'a', '4', 'NX', 'GET')).toBe('3');
    expect(await redis.get('a')).toBe('3');
    expect(await call('SET', 'new', '4', 'NX', 'GET')).toBeNull();
    expect(await redis.get('new')).toBe('4');
    await redis.set('a', 'x', 'EX', 100);
    await call('SET', 'a', 'y', 'KEEPTTL');
    expect(await redis.ttl('a')).toBe(100);
    await redis.set('a', 'z');
    expect(await redis.ttl('a')).toBe(-1);
    expect(await redis.mset('k1', 'v1', 'k2', 'v2')).toBe('OK');
    await redis.hset('h', 'f', 'v');
    expect(await redis.mget('k1', 'nothing', 'k2', 'h')).toEqual(['v1', null, 'v2', null]);
    for (const options of [['EX'], ['EX', '5', 'PX', '5'], ['NX', 'XX'], ['NONSENSE'], ['KEEPTTL', 'EX', '5']])
      expect(await failure(call('SET', 'a', 'v', ...options)), options.join(' ')).toBe('ERR syntax error');
    expect(await failure(call('SET', 'a', 'v', 'EX', '0'))).toBe("ERR invalid expire time in 'set' command");
    expect(await failure(call('SET', 'a', 'v', 'PX', '1.5'))).toBe('ERR value is not an integer or out of range');
    expect(await failure(call('GET', 'h'))).toBe(wrongType);
    expect(await failure(call('SET', 'h', 'v', 'GET'))).toBe(wrongType);
    expect(await redis.set('h', 'replaces any type')).toBe('OK');
  });

  test('numbers: INCR, INCRBY, DECR and their limits', async () => {
    expect([await redis.incr('n'), await redis.incrby('n', 41), await redis.decr('n')]).toEqual([1, 42, 41]);
    expect(await redis.incrby('n', '-42')).toBe(-1);
    await redis.set('n', '9223372036854775806');
    await redis.incr('n');
    expect(await redis.get('n')).toBe('9223372036854775807');
    expect(await failure(redis.incr('n'))).toBe('ERR increment or decrement would overflow');
    for (const text of ['', 'x', '1.5', ' 1', '01', '+1', '9223372036854775808', '-0']) {
      await redis.set('n', text);
      expect(await failure(redis.incr('n')), `'${text}'`).toBe('ERR value is not an integer or out of range');
    }
    await redis.set('n', '7', 'EX', 100);
    await redis.incr('n');
    expect(await redis.ttl('n')).toBe(100);
  });

  test('binary safety: every byte, in keys, values and fields', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const text = 'Grüße, 温度 \r\n\0 $5\r\n';
    await redis.set(bytes, bytes);
    await redis.hset('h', bytes, bytes, text, text);
    await redis.sadd('s', bytes);
    expect(await redis.getBuffer(bytes)).toEqual(bytes);
    expect(await redis.hgetBuffer('h', bytes)).toEqual(bytes);
    expect(await redis.hget('h', text)).toBe(text);
    expect(await redis.smembersBuffer('s')).toEqual([bytes]);
    expect(await redis.keysBuffer('*')).toContainEqual(bytes);
    const large = Buffer.alloc(3_000_000, 'x');
    await redis.set('large', large);
    expect((await redis.getBuffer('large'))?.equals(large)).toBe(true);
  });

  test('keys: DEL, UNLINK, EXISTS, TYPE, DBSIZE, FLUSHALL, FLUSHDB', async () => {
    await redis.mset('a', '1', 'b', '2', 'c', '3');
    expect(await redis.exists('a', 'a', 'b', 'x')).toBe(3);
    expect(await redis.del('a', 'a', 'x')).toBe(1);
    expect(await redis.unlink('b', 'x')).toBe(1);
    expect(await redis.dbsize()).toBe(1);
    await redis.hset('h', 'f', 'v');
    await redis.sadd('s', 'm');
    await redis.zadd('z', 1, 'm');
    await redis.rpush('l', 'm');
    const types = await Promise.all(['c', 'h', 's', 'z', 'l', 'x'].map((key) => redis.type(key)));
    expect(types).toEqual(['string', 'hash', 'set', 'zset', 'list', 'none']);
    expect(await redis.flushdb()).toBe('OK');
    expect(await redis.dbsize()).toBe(0);
    await redis.set('a', '1');
    expect(await redis.flushall('ASYNC')).toBe('OK');
    expect(await redis.exists('a')).toBe(0);
  });

  test('expiry: EXPIRE and its options, PEXPIRE, PERSIST, TTL, PTTL', async () => {
    expect([await redis.ttl('a'), await redis.pttl('a'), await redis.expire('a', 5)]).toEqual([-2, -2, 0]);
    await redis.set('a', '1');
    expect([await redis.ttl('a'), await redis.pttl('a')]).toEqual([-1, -1]);
    expect(await call('EXPIRE', 'a', '100', 'XX')).toBe(0);
    expect(await call('EXPIRE', 'a', '100', 'GT')).toBe(0); // no expiry counts as never
    expect(await call('EXPIRE', 'a', '100', 'LT')).toBe(1);
    expect(await call('EXPIRE', 'a', '50', 'NX')).toBe(0);
    expect(await call('EXPIRE', 'a', '50', 'GT')).toBe(0);
    expect(await call('EXPIRE', 'a', '200', 'GT')).toBe(1);
    expect(await redis.ttl('a')).toBe(200);
    expect(await redis.pexpire('a', 90_000)).toBe(1);
    expect(await redis.pttl('a')).toBeGreaterThan(80_000);
    expect([await redis.persist('a'), await redis.persist('a'), await redis.ttl('a')]).toEqual([1, 0, -1]);
    expect(await failure(call('EXPIRE', 'a', 'soon'))).toBe('ERR value is not an integer or out of range');
    expect(await failure(call('EXPIRE', 'a', '5', 'NX', 'XX'))).toContain('not compatible');
    expect(await failure(call('EXPIRE', 'a', '5', 'ZZ'))).toContain('ERR Unsupported option');
    expect([await redis.expire('a', -1), await redis.exists('a')]).toEqual([1, 0]);
    await redis.hset('h', 'f', 'v');
    await redis.pexpire('h', 1);
    await vi.waitFor(async () => expect(await redis.exists('h')).toBe(0));
    expect(await redis.hgetall('h')).toEqual({});
    await redis.set('gone', '1', 'PX', 1);
    await vi.waitFor(async () => expect(await redis.dbsize()).toBe(0)); // freed although nobody reads it
  });

  test('KEYS and SCAN: patterns, types, every key given', async () => {
    const keys = Array.from({ length: 1_000 }, (_, i) => `k:${i}`);
    await redis.mset(keys.flatMap((key) => [key, '1']));
    await redis.hset('hash[1]', 'f', 'v');
    const patterns: Record<string, number> = {
      '*': 1_001,
      'k:?': 10,
      'k:[1-3]?': 30,
      'k:[^0-8]': 1,
      'hash\\[1\\]': 1,
      'k:*5*5*5': 1,
      'k:[135]': 3,
      '': 0,
      'hash[1]': 0,
      '*]': 1,
    };
    for (const [pattern, count] of Object.entries(patterns))
      expect((await redis.keys(pattern)).length, pattern).toBe(count);
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, page] = await redis.scan(cursor, 'MATCH', 'k:*', 'COUNT', 37);
      for (const key of page) seen.add(key);
      cursor = next;
      await redis.del('k:500');
      await redis.set(`later:${cursor}`, '1');
    } while (cursor !== '0');
    seen.delete('k:500');
    expect(seen.size).toBe(999);
    const [end, hashes] = (await call('SCAN', '0', 'COUNT', '5000', 'TYPE', 'hash')) as [string, string[]];
    expect([end, hashes]).toEqual(['0', ['hash[1]']]);
    expect(await failure(call('SCAN', 'x'))).toBe('ERR invalid cursor');
    expect(await failure(call('SCAN', '0', 'COUNT', '0'))).toBe('ERR syntax error');
    expect(await failure(call('SCAN', '0', 'MATCH'))).toBe('ERR syntax error');
  });

  test('hashes: HSET, HGET, HMGET, HGETALL, HDEL, HLEN, HINCRBY, HKEYS, HSCAN', async () => {
    expect(await redis.hset('h', 'a', '1', 'b', '2', 'a', '3')).toBe(2);
    expect(await redis.hset('h', 'a', '1')).toBe(0);
    expect([await redis.hget('h', 'a'), await redis.hget('h', 'x'), await redis.hget('x', 'a')]).toEqual([
      '1',
      null,
      null,
    ]);
    expect(await redis.hmget('h', 'b', 'x', 'a')).toEqual(['2', null, '1']);
    expect(await redis.hgetall('h')).toEqual({ a: '1', b: '2' });
    expect(await redis.hincrby('h', 'n', 5)).toBe(5);
    expect(await redis.hincrby('h', 'n', -7)).toBe(-2);
    await redis.hset('h', 't', 'text');
    expect(await failure(redis.hincrby('h', 't', 1))).toBe('ERR hash value is not an integer');
    expect((await redis.hkeys('h')).sort()).toEqual(['a', 'b', 'n', 't']);
    const [cursor, fields] = await redis.hscan('h', '0', 'MATCH', '[ab]', 'COUNT', 100);
    expect([cursor, fields.length]).toEqual(['0', 4]);
    expect(await redis.hlen('h')).toBe(4);
    expect(await redis.hdel('h', 'a', 'a', 'x', 'b', 'n', 't')).toBe(4);
    expect([await redis.exists('h'), await redis.hdel('h', 'a')]).toEqual([0, 0]);
    await redis.set('s', '1');
    for (const args of [
      ['HSET', 's', 'f', 'v'],
      ['HGET', 's', 'f'],
      ['HGETALL', 's'],
      ['HDEL', 's', 'f'],
      ['HINCRBY', 's', 'f', '1'],
    ])
      expect(await failure(call(args[0] ?? '', ...args.slice(1))), args.join(' ')).toBe(wrongType);
  });

  test('sets: SADD, SREM, SMEMBERS, SCARD, SISMEMBER', async () => {
    expect(await redis.sadd('s', 'a', 'b', 'a')).toBe(2);
    expect(await redis.sadd('s', 'a')).toBe(0);
    expect((await redis.smembers('s')).sort()).toEqual(['a', 'b']);
    expect([await redis.scard('s'), await redis.sismember('s', 'a'), await redis.sismember('s', 'x')]).toEqual([
      2, 1, 0,
    ]);
    expect(await redis.srem('s', 'a', 'x', 'b')).toBe(2);
    expect([await redis.exists('s'), await redis.smembers('s')]).toEqual([0, []]);
    await redis.set('t', '1');
    expect(await failure(redis.sadd('t', 'a'))).toBe(wrongType);
  });

  test('sorted sets: ZADD and its options, ranges by rank and score, removal', async () => {
    expect(await redis.zadd('z', 1, 'a', 2, 'b', 2, 'aa', 3.5, 'c')).toBe(4);
    expect(await redis.zadd('z', 1, 'a')).toBe(0);
    expect(await call('ZADD', 'z', 'NX', '9', 'a', '4', 'd')).toBe(1);
    expect(await call('ZADD', 'z', 'XX', 'CH', '5', 'd', '6', 'new')).toBe(1);
    expect(await call('ZADD', 'z', 'GT', 'CH', '4', 'd')).toBe(0);
    expect(await call('ZADD', 'z', 'LT', 'CH', '4', 'd')).toBe(1);
    expect(await call('ZADD', 'none', 'XX', '1', 'a')).toBe(0);
    expect(await redis.zrange('z', '0', '-1', 'WITHSCORES')).toEqual([
      'a',
      '1',
      'aa',
      '2',
      'b',
      '2',
      'c',
      '3.5',
      'd',
      '4',
    ]);
    expect(await redis.zrange('z', '1', '2')).toEqual(['aa', 'b']);
    expect(await redis.zrange('z', '-2', '100')).toEqual(['c', 'd']);
    expect(await call('ZRANGE', 'z', '0', '1', 'REV')).toEqual(['d', 'c']);
    expect(await call('ZRANGE', 'z', '2', '(4', 'BYSCORE')).toEqual(['aa', 'b', 'c']);
    expect(await call('ZRANGE', 'z', '+inf', '2', 'BYSCORE', 'REV', 'LIMIT', '1', '2')).toEqual(['c', 'b']);
    expect(await redis.zrangebyscore('z', '-inf', '+inf', 'LIMIT', 3, -1)).toEqual(['c', 'd']);
    expect(await redis.zrangebyscore('z', '(1', 2, 'WITHSCORES')).toEqual(['aa', '2', 'b', '2']);
    expect(await redis.zrangebyscore('z', '5', '1')).toEqual([]);
    expect([await redis.zcard('z'), await redis.zscore('z', 'c'), await redis.zscore('z', 'x')]).toEqual([
      5,
      '3.5',
      null,
    ]);
    await redis.zadd('z', '-inf', 'low', '+inf', 'high');
    expect([await redis.zscore('z', 'low'), await redis.zscore('z', 'high')]).toEqual(['-inf', 'inf']);
    expect(await redis.zrem('z', 'low', 'x', 'high')).toBe(2);
    expect(await redis.zremrangebyscore('z', '(1', '2')).toBe(2);
    expect(await redis.zremrangebyscore('z', '-inf', '+inf')).toBe(3);
    expect(await redis.exists('z')).toBe(0);
    expect(await failure(call('ZADD', 'z', 'x', 'a'))).toBe('ERR value is not a valid float');
    expect(await failure(call('ZADD', 'z', '1', 'a', '2'))).toBe('ERR syntax error');
    expect(await failure(call('ZADD', 'z', 'NX', 'XX', '1', 'a'))).toContain('not compatible');
    expect(await failure(call('ZADD', 'z', 'NX', 'GT', '1', 'a'))).toContain('not compatible');
    expect(await failure(call('ZRANGEBYSCORE', 'z', 'x', '2'))).toBe('ERR min or max is not a float');
    expect(await failure(call('ZRANGE', 'z', '0', '1', 'LIMIT', '0', '1'))).toContain('LIMIT is only supported');
    await redis.set('s', '1');
    expect(await failure(call('ZADD', 's', '1', 'a'))).toBe(wrongType);
    expect(await failure(call('ZCARD', 's'))).toBe(wrongType);
  });

  test('lists: LPUSH, RPUSH, LPOP, RPOP, LRANGE, LLEN, LTRIM', async () => {
    expect(await redis.rpush('l', 'a', 'b', 'c')).toBe(3);
    expect(await redis.lpush('l', 'y', 'x')).toBe(5);
    expect(await redis.lrange('l', 0, -1)).toEqual(['x', 'y', 'a', 'b', 'c']);
    expect(await redis.lrange('l', -2, 9)).toEqual(['b', 'c']);
    expect(await redis.lrange('l', 4, 2)).toEqual([]);
    expect([await redis.lpop('l'), await redis.rpop('l'), await redis.llen('l')]).toEqual(['x', 'c', 3]);
    expect(await call('LPOP', 'l', '2')).toEqual(['y', 'a']);
    await redis.rpush('l', 'd', 'e', 'f');
    expect(await call('RPOP', 'l', '2')).toEqual(['f', 'e']);
    expect(await redis.ltrim('l', 1, -1)).toBe('OK');
    expect(await redis.lrange('l', 0, -1)).toEqual(['d']);
    await redis.ltrim('l', 5, 9);
    expect([await redis.exists('l'), await redis.lpop('l'), await call('LPOP', 'l', '2')]).toEqual([0, null, null]);
    expect(await failure(call('LPOP', 'l', '-1'))).toContain('must be positive');
    await redis.set('s', '1');
    expect(await failure(redis.rpush('s', 'a'))).toBe(wrongType);
    expect(await failure(call('LRANGE', 'l', 'a', '1'))).toBe('ERR value is not an integer or out of range');
  });

  test('transactions: MULTI, EXEC, DISCARD, errors inside and before', async () => {
    const done = await redis.multi().set('a', '1').incr('a').hget('a', 'f').get('a').exec();
    expect(done?.map(([error, value]) => (error ? error.message : value))).toEqual(['OK', 2, wrongType, '2']);
    await call('MULTI');
    expect(await call('SET', 'a', '9')).toBe('QUEUED');
    expect(await other.get('a')).toBe('2');
    expect(await failure(call('MULTI'))).toBe('ERR MULTI calls can not be nested');
    expect(await call('DISCARD')).toBe('OK');
    expect(await redis.get('a')).toBe('2');
    await call('MULTI');
    expect(await failure(call('NOSUCH'))).toContain('unknown command');
    await call('SET', 'a', '9');
    expect(await failure(call('EXEC'))).toBe('EXECABORT Transaction discarded because of previous errors.');
    expect(await redis.get('a')).toBe('2');
    expect(await failure(call('EXEC'))).toBe('ERR EXEC without MULTI');
    expect(await failure(call('DISCARD'))).toBe('ERR DISCARD without MULTI');
  });

  test('WATCH: another client’s change, an expiry or a flush abort; a read does not', async () => {
    const attempt = async (meanwhile: () => Promise<unknown>): Promise<boolean> => {
      await redis.set('w', '1');
      await redis.watch('w', 'absent');
      await meanwhile();
      return (await redis.multi().set('seen', '1').exec()) !== null;
    };
    expect(await attempt(() => other.get('w'))).toBe(true);
    expect(await attempt(() => other.set('w', '1'))).toBe(false);
    expect(await attempt(() => other.set('absent', '1'))).toBe(false);
    await redis.del('absent');
    expect(await attempt(() => other.del('w'))).toBe(false);
    expect(await attempt(() => other.expire('w', 100))).toBe(false);
    expect(await attempt(() => other.flushall())).toBe(false);
    expect(await attempt(() => redis.unwatch().then(() => other.set('w', '2')))).toBe(true);
    await redis.set('w', '1', 'PX', 20);
    await redis.watch('w');
    await vi.waitFor(async () => expect(await other.exists('w')).toBe(0));
    expect(await redis.multi().set('seen', '1').exec()).toBeNull();
    expect(await redis.multi().set('seen', '2').exec()).toEqual([[null, 'OK']]); // EXEC ends the watch
  });

  test('pub/sub: order, patterns, counts, and what a subscriber may send', async () => {
    const subscriber = connect();
    const heard: string[] = [];
    subscriber.on('message', (channel, message) => heard.push(`${channel}=${message}`));
    subscriber.on('pmessage', (pattern, channel, message) => heard.push(`${pattern}>${channel}=${message}`));
    expect(await subscriber.subscribe('one', 'two')).toBe(2);
    expect(await subscriber.psubscribe('o*')).toBe(3);
    expect(await failure(subscriber.call('GET', 'a'))).toMatch(/subscriber mode|only \(P\|S\)SUBSCRIBE/);
    expect(await subscriber.ping()).toBeTruthy();
    const pipeline = redis.pipeline();
    for (let i = 0; i < 200; i += 1) pipeline.publish('two', String(i));
    await pipeline.exec();
    expect(await redis.publish('one', 'x')).toBe(2);
    expect(await redis.publish('nobody', 'x')).toBe(0);
    await vi.waitFor(() => expect(heard.length).toBe(202));
    expect(heard.slice(0, 200)).toEqual(Array.from({ length: 200 }, (_, i) => `two=${i}`));
    expect(heard.slice(200)).toEqual(['one=x', 'o*>one=x']);
    expect(await subscriber.unsubscribe('two')).toBe(2);
    expect(await redis.publish('two', 'x')).toBe(0);
    expect(await subscriber.punsubscribe('o*', 'never')).toBe(1);
    expect(await subscriber.unsubscribe()).toBe(0); // all that is left
    expect(await subscriber.get('a')).toBeNull();
    const leaving = connect();
    await leaving.subscribe('gone');
    leaving.disconnect();
    await vi.waitFor(async () => expect(await redis.publish('gone', 'x')).toBe(0));
    subscriber.disconnect();
  });

  test('pipelines: thousands of commands keep their order', async () => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 5_000; i += 1) pipeline.incr('n');
    const results = await pipeline.exec();
    expect(results?.map(([, value]) => value)).toEqual(Array.from({ length: 5_000 }, (_, i) => i + 1));
  });

  test('RESP3 is not needed: a client that asks for it with HELLO 3 works on either server', async () => {
    const modern = new Redis({ host: '127.0.0.1', port: server.port });
    await modern.hset('h', 'a', '1');
    expect(await modern.hgetall('h')).toEqual({ a: '1' });
    modern.disconnect();
  });
});
