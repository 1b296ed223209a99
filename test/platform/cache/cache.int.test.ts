import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startRedisStandIn } from '../../../runtime/local/redis/server.ts';
import { type Cache, connectCache } from '../../../runtime/platform/cache/cache.ts';
import { CacheError } from '../../../runtime/platform/cache/errors.ts';
import { newestState } from '../../../runtime/platform/cache/scripts/index.ts';
import type { CacheSettings } from '../../../runtime/platform/cache/settings.ts';
import { realRedis, startReal } from '../../local/redis/servers.ts';
import { freePort } from '../../support/ports.ts';

const cleanup: (() => unknown)[] = [];
const lines: string[] = [];
const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
  lines.length = 0;
});

function connect(port: number, settings: Partial<CacheSettings> = {}): Cache {
  const cache = connectCache(
    { url: `redis://127.0.0.1:${port}`, retryMs: { first: 5, longest: 20 }, ...settings },
    { log, name: 'test' },
  );
  cleanup.push(cache.close);
  return cache;
}

async function standIn(port: number) {
  const server = await startRedisStandIn({ port });
  cleanup.push(server.close);
  return server;
}

/** Takes connections and bytes, and answers the handshake only: a server that hangs. */
async function hangingServer(port: number) {
  const sockets = new Set<Socket>();
  let received = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      received += 1;
      for (const line of chunk.toString().matchAll(/\r\n(client|info)\r\n/gi))
        socket.write(line[1]?.toLowerCase() === 'info' ? '$9\r\nloading:0\r\n' : '+OK\r\n');
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { connections: () => sockets.size, received: () => received };
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no failure',
    (error) => (error instanceof CacheError ? error.code : `${error}`),
  );
const state = { key: 'k', ts: 1, seq: 0, payload: '{"secret-reading":1}', ttlSeconds: 60 };

describe('while Redis is away', () => {
  test('commands fail at once and nothing waits; when it is there it is used', async () => {
    const port = await freePort();
    const cache = connect(port);
    expect(await codeOf(cache.run(newestState, state))).toBe('away');
    expect(await codeOf(cache.publish('c', 'm'))).toBe('away');
    expect(await codeOf(cache.scan('*').next())).toBe('away');
    await expect(cache.redis.get('a')).rejects.toThrow();
    expect((await cache.redis.pipeline().get('a').get('b').exec())?.every(([error]) => error)).toBe(true);
    expect([cache.redis.unanswered, cache.status(), await cache.upWithin(1)]).toEqual([0, 'down', false]);
    const ups: string[] = [];
    cache.onUp(() => ups.push('up'));
    await standIn(port);
    expect(await cache.upWithin(5_000)).toBe(true);
    expect(await cache.run(newestState, state)).toBe(true);
    expect(ups).toEqual(['up']);
    expect(await cache.redis.exists('k')).toBe(1);
  });

  test('going and coming: told each time, no command is sent twice', async () => {
    const port = await freePort();
    const first = await startRedisStandIn({ port });
    const cache = connect(port);
    await cache.upWithin(5_000);
    const events: string[] = [];
    const stop = cache.onDown(() => events.push('down'));
    cache.onUp(() => events.push('up'));
    cache.onUp(() => {
      throw new Error('a listener that fails harms nobody');
    });
    await first.close();
    await vi.waitFor(() => expect(events).toEqual(['down']));
    await standIn(port);
    await vi.waitFor(() => expect(events).toEqual(['down', 'up']));
    expect(await cache.redis.dbsize()).toBe(0);
    stop();
  });

  test('closing while it is away ends', async () => {
    const cache = connect(await freePort());
    await vi.waitFor(() => expect(lines.join('')).toContain('ECONNREFUSED'));
    await cache.close();
    await cache.close();
    expect(await codeOf(cache.run(newestState, state))).toBe('away');
  });
});

describe('while Redis hangs', () => {
  test('a command ends by its timeout, later ones are refused as busy, and the connection is given up', async () => {
    const port = await freePort();
    const hanging = await hangingServer(port);
    const cache = connect(port, { commandTimeoutMs: 200, heartbeatMs: 600, maxUnanswered: 20 });
    expect(await cache.upWithin(5_000)).toBe(true);
    const codes = await Promise.all([
      ...Array.from({ length: 20 }, () => codeOf(cache.run(newestState, state))),
      codeOf(cache.run(newestState, state)),
      cache.runMany(newestState, [state, state]).then((results) => (results[1] as CacheError).code),
    ]);
    expect(codes).toEqual([...Array(20).fill('timeout'), 'busy', 'busy']);
    expect(cache.redis.unanswered).toBeLessThanOrEqual(20);
    await vi.waitFor(() => expect(hanging.connections()).toBeGreaterThan(1), 5_000); // connected anew
    await vi.waitFor(() => expect(lines.join('')).toContain('cache is away'));
  });
});

describe('subscriptions', () => {
  test('stand as soon as Redis is there, come back after a break, and say each time that they stand', async () => {
    const port = await freePort();
    const cache = connect(port, { prefix: 'env:' });
    const heard: string[] = [];
    const end = cache.subscribe('c', {
      onMessage: (message) => {
        heard.push(message);
        if (message === 'bad') throw new Error('a subscriber that fails');
      },
      onStanding: () => heard.push('standing'),
    });
    const first = await startRedisStandIn({ port });
    await vi.waitFor(() => expect(heard).toEqual(['standing']));
    await cache.upWithin(5_000);
    expect(await cache.publish('c', 'bad')).toBe(1);
    expect(await cache.publish('c', '1')).toBe(1);
    expect(await cache.redis.publish('c', 'without the prefix')).toBe(0);
    await vi.waitFor(() => expect(heard).toEqual(['standing', 'bad', '1']));
    await first.close();
    await standIn(port);
    await vi.waitFor(() => expect(heard).toEqual(['standing', 'bad', '1', 'standing']));
    await cache.upWithin(5_000);
    await cache.publish('c', '2');
    await vi.waitFor(() => expect(heard.at(-1)).toBe('2'));
    end();
    await vi.waitFor(async () => expect(await cache.publish('c', '3')).toBe(0));
  });

  test('two on one channel: the second is told that it stands, ending one keeps the other', async () => {
    const { port } = await standIn(await freePort());
    const cache = connect(port);
    const heard: string[] = [];
    const subscription = (name: string) => ({
      onMessage: (message: string) => heard.push(`${name}:${message}`),
      onStanding: () => heard.push(`${name}:standing`),
    });
    const endFirst = cache.subscribe('c', subscription('a'));
    await vi.waitFor(() => expect(heard).toEqual(['a:standing']));
    cache.subscribe('c', subscription('b'));
    await vi.waitFor(() => expect(heard).toEqual(['a:standing', 'b:standing']));
    endFirst();
    await cache.upWithin(5_000);
    await cache.publish('c', 'm');
    await vi.waitFor(() => expect(heard.slice(2)).toEqual(['b:m']));
  });
});

test('keys have the prefix in commands, scripts and scans, and lose it in what a scan gives', async () => {
  const { port } = await standIn(await freePort());
  const [cache, bare] = [connect(port, { prefix: 'env:' }), connect(port)];
  await Promise.all([cache.upWithin(5_000), bare.upWithin(5_000)]);
  await cache.redis.set('a', '1');
  await cache.run(newestState, state);
  await bare.redis.set('b', '1');
  expect((await bare.redis.keys('*')).sort()).toEqual(['b', 'env:a', 'env:k']);
  const scanned: string[] = [];
  for await (const page of cache.scan('*', { count: 1 })) scanned.push(...page);
  expect(scanned.sort()).toEqual(['a', 'k']);
});

describe('passwords and tokens', () => {
  const secret = 'p4ss-%w0rd'; // also checks that the URL is decoded

  async function protectedServer(context: { skip: (reason: string) => void }) {
    if (!realRedis.available) return context.skip(realRedis.skipReason);
    const server = await startReal(['--requirepass', secret]);
    cleanup.push(server.stop);
    return server;
  }

  test('a wrong password is in no log and no error; the right one works', async (context) => {
    const server = await protectedServer(context);
    if (server === undefined) return;
    const url = (password: string) => `redis://default:${encodeURIComponent(password)}@127.0.0.1:${server.port}`;
    const wrong = connect(server.port, { url: url('wr0ng-secret') });
    await vi.waitFor(() => expect(lines.join('')).toContain('WRONGPASS'));
    const error = await wrong.run(newestState, state).catch((e: unknown) => e);
    const everything = lines.join('') + JSON.stringify(error) + String((error as Error).stack);
    expect(everything).not.toContain('wr0ng-secret');
    const right = connect(server.port, { url: url(secret) });
    expect(await right.upWithin(5_000)).toBe(true);
    const refused = await right.redis.call('HSET', 'k', 'a-secret-argument').catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(Error);
    expect(JSON.stringify({ ...(refused as Error) })).not.toContain('a-secret-argument');
    expect(lines.join('')).not.toContain(secret);
  });

  test('a token supplier: asked again after a failure, renewed before its end, the newest used at a reconnect', async (context) => {
    const server = await protectedServer(context);
    if (server === undefined) return;
    let token = secret;
    let asked = 0;
    const cache = connect(server.port, {
      async token() {
        asked += 1;
        if (asked === 1) throw new Error('no token yet');
        return { token, expiresAt: Date.now() + 1_300 };
      },
    });
    expect(await cache.upWithin(10_000)).toBe(true);
    expect(lines.join('')).toContain('cache token not renewed');
    const downs: string[] = [];
    cache.onDown(() => downs.push('down'));
    const logins = async () => Number(/cmdstat_auth:calls=(\d+)/.exec(await cache.redis.info('commandstats'))?.[1]);
    const before = await logins();
    await vi.waitFor(async () => expect(await logins()).toBeGreaterThan(before), 10_000); // on the standing connection
    expect(downs).toEqual([]);

    token = 'n3w-t0ken';
    await cache.redis.call('ACL', 'SETUSER', 'default', `>${token}`);
    const seen = asked;
    await vi.waitFor(() => expect(asked).toBeGreaterThan(seen), 10_000);
    await cache.redis.call('ACL', 'SETUSER', 'default', `<${secret}`);
    await cache.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no');
    await vi.waitFor(() => expect(downs).toEqual(['down']), 5_000);
    expect(await cache.upWithin(10_000)).toBe(true);
    expect(lines.join('')).not.toMatch(/p4ss-%w0rd|n3w-t0ken/);
  });
});
