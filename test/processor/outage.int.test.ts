import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ensureBus } from '../../runtime/platform/bus/ensure.ts';
import { stateKey } from '../../runtime/platform/cache/keys.ts';
import { openShardPools } from '../../runtime/platform/database/shard-pools.ts';
import type { Processor } from '../../runtime/processor/processor.ts';
import { healStates, repairStates } from '../../runtime/processor/state-repair.ts';
import { quietLog } from '../support/log.ts';
import { startGate } from './gate.ts';
import { deadLettersOf, newMessageId, rowsOf, type Stand, stand, until } from './harness.ts';

let s: Stand;
let processor: Processor | undefined;
beforeAll(async () => {
  s = await stand();
});
afterEach(async () => {
  await processor?.stop(5_000);
  processor = undefined;
});
afterAll(() => s?.stop());

const day = 86_400;

/** The stand's shards, but `shard_a` behind a gate that can be shut. */
async function gated() {
  const gate = await startGate(s.postgres.port);
  const urls = { ...s.postgres.as('processor').shards };
  urls['shard_a'] = (urls['shard_a'] as string).replace(`:${s.postgres.port}/`, `:${gate.port}/`);
  const shards = await openShardPools(
    { core: s.own.core, urls, pool: { application: 'gated', max: 6, connectMs: 500, statementMs: 2_000 } },
    quietLog,
  );
  return {
    gate,
    shards,
    async stop() {
      gate.open();
      await shards.stop();
      await gate.close();
    },
  };
}

test('a database away for longer than all delivery attempts: nothing is dead-lettered, all is stored once', async () => {
  const namespace = `t${newMessageId().slice(0, 8)}`;
  // Five attempts, 10 s leases: what would be nacked or let expire is gone for good within seconds.
  await ensureBus(s.bus, namespace, {
    topics: ['telemetry', 'telemetry-dead-letters'],
    subscriptions: [
      {
        name: 'telemetry-processor',
        topic: 'telemetry',
        ackDeadlineSeconds: 10,
        retry: { minimumBackoffSeconds: 0, maximumBackoffSeconds: 1 },
        deadLetter: { topic: 'telemetry-dead-letters', maxDeliveryAttempts: 5 },
        retentionSeconds: 3_600,
      },
      {
        name: 'telemetry-dead-letters-keeper',
        topic: 'telemetry-dead-letters',
        ackDeadlineSeconds: 10,
        retry: { minimumBackoffSeconds: 0, maximumBackoffSeconds: 1 },
        retentionSeconds: 3_600,
      },
    ],
  });
  const { gate, shards, stop } = await gated();
  const one = await s.deviceIn('shard_a');
  const now = Date.now();
  const messages = Array.from({ length: 300 }, (_, i) => ({ device: one, body: { ts: now - i, values: { n: i } } }));
  // Only 100 are held: the rest is not delivered at all while the database is away.
  processor = s.start(namespace, { maxOutstandingMessages: 100, leaseSeconds: 10 }, onlyShardA(shards));
  gate.shut();
  await s.publish(namespace, messages);
  await until(
    'the pull is full',
    () => processor?.status().held === 100 && processor.status().away.includes('shard_a'),
  );
  // Longer than five attempts with their back-off (0 to 1 s each), and than one lease.
  await new Promise((resolve) => setTimeout(resolve, 11_000));
  expect(processor.status().held).toBe(100);
  gate.open();
  await until('all stored', async () => (await rowsOf(s.shards.pool('shard_a'), one)).length === 300);
  await until('all acknowledged', () => processor?.status().held === 0);
  expect(await deadLettersOf(s.shards.pool('shard_a'), one)).toEqual([]);
  const [left] = await s.bus.subscriber.pull(
    {
      subscription: s.bus.subscriptionPath(namespace, 'telemetry-dead-letters-keeper'),
      maxMessages: 10,
      returnImmediately: true,
    },
    { timeout: 5_000 },
  );
  expect(left.receivedMessages).toEqual([]);
  await stop();
});

/** A platform of one database, so that there is nowhere to park. */
function onlyShardA<T extends { names(): readonly string[] }>(shards: T): T {
  return { ...shards, names: () => ['shard_a'] };
}

test("one database away: the other's devices do not notice; its own come when it is back", async () => {
  const namespace = await s.namespace();
  const { gate, shards, stop } = await gated();
  const away = await s.deviceIn('shard_a');
  const there = await s.deviceIn('shard_b');
  processor = s.start(namespace, { maxOutstandingMessages: 200 }, shards);
  gate.shut();
  const now = Date.now();
  // Five times what may be held, all of it for the database that is away.
  await s.publish(
    namespace,
    Array.from({ length: 1_000 }, (_, i) => ({ device: away, body: { ts: now - i, values: { n: i } } })),
  );
  await s.publish(
    namespace,
    Array.from({ length: 300 }, (_, i) => ({ device: there, body: { ts: now - i, values: { n: i } } })),
  );
  await until('the other is stored', async () => (await rowsOf(s.shards.pool('shard_b'), there)).length === 300);
  expect(await rowsOf(s.shards.pool('shard_a'), away)).toEqual([]);
  const { rows } = await s.shards.pool('shard_b').query('select count(*)::int as n from parked_messages');
  expect(rows[0].n).toBeGreaterThan(500);
  gate.open();
  await until('all stored', async () => (await rowsOf(s.shards.pool('shard_a'), away)).length === 1_000);
  await until('parking is empty', async () => {
    const { rows: left } = await s.shards.pool('shard_b').query('select 1 from parked_messages limit 1');
    return left.length === 0 && processor?.status().held === 0;
  });
  expect(await deadLettersOf(s.shards.pool('shard_a'), away)).toEqual([]);
  await stop();
});

test('a processor that dies with messages held: the next one stores each once', async () => {
  const namespace = await s.namespace();
  const { gate, shards, stop } = await gated();
  const device = await s.deviceIn('shard_a');
  const now = Date.now();
  const first = s.start(namespace, { maxOutstandingMessages: 1_000 }, onlyShardA(shards));
  await s.publish(
    namespace,
    Array.from({ length: 50 }, (_, i) => ({ device, body: { ts: now - i, values: { n: i } } })),
  );
  await until('stored', async () => (await rowsOf(s.shards.pool('shard_a'), device)).length === 50);
  gate.shut();
  await s.publish(
    namespace,
    Array.from({ length: 50 }, (_, i) => ({ device, body: { ts: now - 100 - i, values: { n: i } } })),
  );
  await until('held', () => first.status().held === 50);
  await first.stop(100);
  gate.open();
  processor = s.start(namespace, {}, shards);
  // Leases of the first end after 20 s; the test does not wait for that but publishes the same again, as a gateway would.
  await s.publish(
    namespace,
    Array.from({ length: 50 }, (_, i) => ({ device, body: { ts: now - 100 - i, values: { n: i } } })),
  );
  await until('stored', async () => (await rowsOf(s.shards.pool('shard_a'), device)).length === 100);
  expect(await deadLettersOf(s.shards.pool('shard_a'), device)).toEqual([]);
  await stop();
});

test('core away: known devices go on, a device never seen waits and is then stored', async () => {
  const namespace = await s.namespace();
  const known = await s.device();
  const fresh = await s.device();
  processor = s.start(namespace);
  await s.publish(namespace, [{ device: known, body: { ts: 1 + Date.now(), values: { n: 0 } } }]);
  const rows = async (device: string) => (await rowsOf(s.shards.poolFor('main', device).pool, device)).length;
  await until('known', async () => (await rows(known)) === 1);
  await s.core.query('alter table devices rename to devices_away');
  try {
    await s.publish(namespace, [
      { device: known, body: { t: 1 } },
      { device: fresh, body: { t: 1 } },
    ]);
    await until('known goes on', async () => (await rows(known)) === 2);
    await until('core is missed', () => processor?.status().away.includes('core') === true);
    expect(await rows(fresh)).toBe(0);
  } finally {
    await s.core.query('alter table devices_away rename to devices');
  }
  await until('stored', async () => (await rows(fresh)) === 1);
});

test('Redis away: readings are stored, their states marked and repaired; an older one never overwrites', async () => {
  const namespace = await s.namespace();
  const device = await s.device();
  const { pool } = s.shards.poolFor('main', device);
  processor = s.start(namespace);
  const now = Date.now();
  await s.publish(namespace, [{ device, body: { ts: now - 1_000, values: { n: 1 } } }]);
  await until('state', async () => (await s.cache.redis.hget(stateKey('main', device), 'ts')) === String(now - 1_000));
  await s.redis.stop();
  await s.publish(namespace, [{ device, body: { ts: now, values: { n: 2 } } }]);
  await until('row', async () => (await rowsOf(pool, device)).length === 2);
  const marks = async () => (await pool.query('select 1 from state_repairs where device_id = $1', [device])).rowCount;
  await until('mark', async () => (await marks()) === 1);
  await until('acknowledged', () => processor?.status().held === 0);
  await s.redis.start();
  await until('Redis is back', () => s.cache.status() === 'up');
  await repairStates(pool, s.cache, day);
  expect(await marks()).toBe(0);
  expect(await s.cache.redis.hget(stateKey('main', device), 'ts')).toBe(String(now));
  await s.publish(namespace, [{ device, body: { ts: now - 500, values: { n: 3 } } }]);
  await until('late row', async () => (await rowsOf(pool, device)).length === 3 && processor?.status().held === 0);
  expect(JSON.parse((await s.cache.redis.hget(stateKey('main', device), 'payload')) ?? '')).toEqual({ n: 2 });
});

test('a flushed Redis is rebuilt from the rows, also when it is flushed again meanwhile', async () => {
  const namespace = await s.namespace();
  const devices = await Promise.all(Array.from({ length: 5 }, () => s.device()));
  processor = s.start(namespace);
  const now = Date.now();
  await s.publish(
    namespace,
    devices.map((device, i) => ({ device, body: { ts: now - i, values: { i } } })),
  );
  await until('stored', () => processor?.status().held === 0 && s.cache.status() === 'up');
  await until('rows', async () => {
    const counts = await Promise.all(devices.map((d) => rowsOf(s.shards.poolFor('main', d).pool, d)));
    return counts.every((c) => c.length === 1);
  });
  const options = { cache: s.cache, ...s.own, ttlSeconds: day, log: quietLog, now: Date.now };
  while (await healStates(options));
  await s.cache.redis.flushall();
  expect(await healStates(options, 2)).toBe(true);
  for (const [i, device] of devices.entries())
    expect(await s.cache.redis.hget(stateKey('main', device), 'ts')).toBe(String(now - i));
  expect(await healStates(options)).toBe(false);
  let pages = 0;
  const flushedMidway = {
    ...options,
    core: {
      query: async (...args: Parameters<typeof s.core.query>) => {
        if (++pages === 2) await s.cache.redis.flushall();
        return s.own.core.query(...args);
      },
    } as unknown as typeof s.core,
  };
  await s.cache.redis.flushall();
  await healStates(flushedMidway, 2);
  expect(await healStates(options)).toBe(true);
  for (const device of devices) expect(await s.cache.redis.exists(stateKey('main', device))).toBe(1);
});
