import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { deadLettersOf, newMessageId, rowsOf, type Stand, stand, until } from './harness.ts';
import { spawnProcessor as spawnIt } from './spawn.ts';

let s: Stand;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  s = await stand();
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});
afterAll(() => s?.stop());

async function spawnProcessor(namespace: string) {
  const spawned = await spawnIt(s, namespace);
  children.add(spawned.child);
  return spawned;
}

test('as a process: stores, says so by trace, counts, and stops in order on SIGTERM', async () => {
  const namespace = await s.namespace();
  const device = await s.device();
  const { child, lines, get } = await spawnProcessor(namespace);
  const sampled = `${newMessageId().slice(0, 30)}00`;
  await s.publish(namespace, [
    { device, body: { t: 1 }, message: sampled },
    { device, body: { ts: 1, values: { t: 1 } }, message: `${newMessageId().slice(0, 30)}01` },
  ]);
  const { pool } = s.shards.poolFor('main', device);
  await until('stored', async () => (await rowsOf(pool, device)).length === 1);
  await until('dead letter', async () => (await deadLettersOf(pool, device)).length === 1);
  await until('metrics', async () => {
    const text = (await (await get('/metrics'))?.text()) ?? '';
    return (
      /iot_processor_readings_stored_total\{[^}]*\} 1/.test(text) && /dead_letters_total\{reason="clock"/.test(text)
    );
  });
  await until('a line of its trace', () => lines.some((line) => line.includes(`"trace":"${sampled}"`)));
  expect(lines.some((line) => line.includes('"trace":') && !line.includes(sampled))).toBe(false);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});

test('killed with -9 under load: every reading is one row', async () => {
  const namespace = await s.namespace();
  const device = await s.device();
  const { pool } = s.shards.poolFor('main', device);
  const now = Date.now();
  const total = 3_000;
  const messages = Array.from({ length: total }, (_, i) => ({ device, body: { ts: now - i, values: { n: i } } }));
  let published = 0;
  const publishing = (async () => {
    for (; published < total; published += 100) {
      await s.publish(namespace, messages.slice(published, published + 100));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const first = await spawnProcessor(namespace);
  await until('some stored', async () => (await rowsOf(pool, device)).length > 300);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await publishing;
  await spawnProcessor(namespace);
  // What the dead one held is delivered again when its leases end.
  await until('all stored', async () => (await rowsOf(pool, device)).length === total, 90_000);
  expect(await deadLettersOf(pool, device)).toEqual([]);
}, 120_000);

test('what Pub/Sub gave up becomes a dead letter with its payload', async () => {
  const namespace = await s.namespace();
  const device = await s.device();
  const attributes = {
    v: '1',
    tenant: 'main',
    device,
    kind: 'events',
    message: newMessageId(),
    received: String(Date.now()),
  };
  await s.bus.publisher.publish({
    topic: s.bus.topicPath(namespace, 'telemetry-dead-letters'),
    messages: [
      { data: Buffer.from('given up'), attributes },
      { data: Buffer.from('nobody knows'), attributes: { some: 'thing' } },
    ],
  });
  await spawnProcessor(namespace);
  const { pool } = s.shards.poolFor('main', device);
  await until('dead letter', async () => (await deadLettersOf(pool, device)).length === 1);
  expect(await deadLettersOf(pool, device)).toMatchObject([
    { reason: 'delivery-attempts', payload: Buffer.from('given up') },
  ]);
  const unknown = s.shards.poolFor('main', 'unknown').pool;
  await until('the stranger too', async () => (await deadLettersOf(unknown, 'unknown')).length === 1);
});
