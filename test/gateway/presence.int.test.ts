import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRedisStandIn } from '../../runtime/local/redis/server.ts';
import { type Cache, connectCache } from '../../runtime/platform/cache/cache.ts';
import { identityChangedChannel, presenceIndexKey, presenceKey } from '../../runtime/platform/cache/keys.ts';
import { holdConnection } from '../../runtime/platform/cache/scripts/index.ts';
import { quietLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { closed, type Stand, startStand } from './stand.ts';

let redis: Awaited<ReturnType<typeof startRedisStandIn>>;
let cache: Cache;
let stand: Stand;
beforeEach(async () => {
  redis = await startRedisStandIn({ port: await freePort() });
  cache = connectCache({ url: `redis://127.0.0.1:${redis.port}` }, { log: quietLog, name: 'test' });
  expect(await cache.upWithin(5_000)).toBe(true);
  // Identity changes are asked for by their own clock only after an hour: what happens sooner is the channel's doing.
  stand = await startStand({ cache, parts: { intervals: { presenceMs: 500, identityMs: 3_600_000 } } });
});
afterEach(async () => {
  await stand.stop();
  await cache.close();
  await redis.close();
});

const key = presenceKey('main', 'sensor-1');
async function untilHeld(by: string | null): Promise<void> {
  while ((await cache.redis.hget(key, 'gateway')) !== by) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('a connected device is held by its gateway, a disconnected one is released', async () => {
  const client = await stand.connect('sensor-1');
  await untilHeld('gateway-1');
  while ((await cache.redis.zcard(presenceIndexKey('gateway-1'))) !== 1) await new Promise(setImmediate);
  expect(await cache.redis.pttl(key)).toBeGreaterThan(20_000);
  await client.endAsync();
  await untilHeld(null);
  while ((await cache.redis.zcard(presenceIndexKey('gateway-1'))) !== 0) await new Promise(setImmediate);
});

test('after FLUSHALL the next heartbeat says it all again', async () => {
  await stand.connect('sensor-1');
  await untilHeld('gateway-1');
  await cache.redis.flushall();
  await untilHeld('gateway-1');
});

test('a newer connection at another gateway ends the one here', async () => {
  const client = await stand.connect('sensor-1');
  await untilHeld('gateway-1');
  const ended = closed(client);
  const epoch = Date.now() + 60_000;
  await cache.run(holdConnection, { key, gateway: 'gateway-2', epoch, ttlMs: 60_000, info: '{}' });
  await ended;
  expect(await cache.redis.hget(key, 'gateway')).toBe('gateway-2');
});

test('a word on the channel makes the gateway read the changes at once', async () => {
  const client = await stand.connect('sensor-1');
  const ended = closed(client);
  stand.devices.add('sensor-1', 'blocked');
  while ((await cache.publish(identityChangedChannel(), '1')) !== 1) await new Promise(setImmediate);
  await ended;
});

test('Redis away: devices come in and their messages are stored', async () => {
  await redis.close();
  const client = await stand.connect('sensor-1');
  await client.publishAsync('/devices/sensor-1/events', '{}', { qos: 1 });
  expect(stand.bus.stored).toHaveLength(1);
  redis = await startRedisStandIn({ port: redis.port });
  await untilHeld('gateway-1').catch(() => undefined);
});
