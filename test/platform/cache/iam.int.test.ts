import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Cache, connectCache } from '../../../runtime/platform/cache/cache.ts';
import { cacheSettings } from '../../../runtime/platform/cache/from-settings.ts';
import { realRedis, startReal, type TestRedis } from '../../local/redis/servers.ts';
import { testAuthority } from '../../support/certificates.ts';
import { type GoogleServer, startGoogle } from '../../support/google/server.ts';
import { freePort } from '../../support/ports.ts';

/**
 * Memorystore's IAM login as far as one machine can show it: a real server with TLS whose only password is the newest access
 * token that the metadata server gave out.
 */
describe.runIf(realRedis.available)('login by access token, over TLS', () => {
  let dir: string;
  let google: GoogleServer;
  let redis: TestRedis;
  let root: Cache;
  let tlsPort: number;
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
  const open: Cache[] = [];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'iot-test-iam-'));
    const authority = await testAuthority();
    const server = await authority.server(['localhost', '127.0.0.1']);
    await writeFile(join(dir, 'ca.pem'), authority.cert);
    await writeFile(join(dir, 'other-ca.pem'), (await testAuthority('another')).cert);
    await writeFile(join(dir, 'server.pem'), server.cert, { mode: 0o644 });
    await writeFile(join(dir, 'server.key'), server.key, { mode: 0o600 });
    tlsPort = await freePort();
    const tls = { 'tls-port': `${tlsPort}`, 'tls-cert-file': 'server.pem', 'tls-key-file': 'server.key' };
    const files = Object.entries({ ...tls, 'tls-ca-cert-file': 'ca.pem' });
    redis = await startReal([
      ...files.flatMap(([name, value]) => [`--${name}`, name === 'tls-port' ? value : join(dir, value)]),
      '--tls-auth-clients',
      'no',
    ]);
    root = connectCache({ url: redis.url }, { log, name: 'root' });
    await root.upWithin(5_000);
    // Who tests looks on as a user of its own; `default` has the token alone, as at Memorystore.
    await root.redis.call('ACL', 'SETUSER', 'watcher', 'on', '>watcher-password', '~*', '&*', '+@all');
    await root.redis.call('AUTH', 'watcher', 'watcher-password');
    google = await startGoogle([]);
    google.tokens.onIssue = async (token) => {
      await root.redis.call('ACL', 'SETUSER', 'default', 'resetpass', `>${token}`);
    };
  });
  afterEach(async () => {
    for (const cache of open.splice(0)) await cache.close();
    await root.close();
    await Promise.all([google.stop(), redis.stop()]);
    await rm(dir, { recursive: true, force: true });
    lines.length = 0;
  });

  function connect(ca = 'ca.pem'): Cache {
    const settings = cacheSettings({
      IOT_REDIS_URL: `rediss://localhost:${tlsPort}?auth=iam`,
      IOT_REDIS_CA_FILE: join(dir, ca),
      IOT_GOOGLE_ENDPOINT: google.endpoint,
    });
    const cache = connectCache({ ...settings, retryMs: { first: 5, longest: 20 } }, { log, name: 'service' });
    open.push(cache);
    return cache;
  }
  const logins = async () => Number(/cmdstat_auth:calls=(\d+)/.exec(await root.redis.info('commandstats'))?.[1] ?? 0);

  test('the password is the token of the metadata server', async () => {
    const cache = connect();
    expect(await cache.upWithin(10_000)).toBe(true);
    await cache.redis.set('k', 'v');
    expect(await cache.redis.get('k')).toBe('v');
    expect(await cache.redis.call('ACL', 'WHOAMI')).toBe('default');
    expect(google.tokens.issued).toHaveLength(1);
    expect(lines.join('')).not.toContain(google.tokens.issued[0]);
  });

  test('a server of another CA gets no token', async () => {
    const before = await logins();
    const cache = connect('other-ca.pem');
    await vi.waitFor(() => expect(lines.join('')).toMatch(/self.signed|unable to verify|certificate/i), 10_000);
    expect([cache.status(), await logins()]).toEqual(['down', before]);
  });

  test('a standing connection logs in again before the token ends, and a broken one comes back with the newest', async () => {
    google.tokens.life = 2;
    const cache = connect();
    expect(await cache.upWithin(10_000)).toBe(true);
    const downs: string[] = [];
    cache.onDown(() => downs.push('down'));
    const before = await logins();
    await vi.waitFor(async () => expect(await logins()).toBeGreaterThan(before), 10_000);
    expect(downs).toEqual([]);
    await root.redis.call('CLIENT', 'KILL', 'USER', 'default');
    await vi.waitFor(() => expect(downs).toEqual(['down']), 5_000);
    expect(await cache.upWithin(10_000)).toBe(true);
    expect(await cache.redis.ping()).toBe('PONG');
    for (const token of google.tokens.issued) expect(lines.join('')).not.toContain(token);
  });

  test('a listening connection, where RESP2 allows no login, comes anew with the new token and says that it may have missed', async () => {
    google.tokens.life = 2;
    const cache = connect();
    await cache.upWithin(10_000);
    const [standings, messages]: [number[], string[]] = [[], []];
    cache.subscribe('news', { onMessage: (message) => messages.push(message), onStanding: () => standings.push(1) });
    await vi.waitFor(() => expect(standings.length).toBeGreaterThanOrEqual(3), 15_000);
    await vi.waitFor(async () => {
      await root.publish('news', 'still here');
      expect(messages).toContain('still here');
    }, 5_000);
  });

  test('while no token can be had it stays away without a storm, and comes when there is one', async () => {
    google.fail('/token', { status: 403, text: 'no' }, 2);
    const cache = connect();
    expect(await cache.upWithin(15_000)).toBe(true);
    expect(lines.join('')).toContain('cache token not renewed');
  });
});

if (!realRedis.available) test.skip(`login by access token: ${realRedis.skipReason}`, () => undefined);
