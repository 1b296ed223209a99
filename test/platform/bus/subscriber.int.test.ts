import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type PubSubServer, startPubSubServer } from '../../../runtime/local/pubsub/server.ts';
import { type BusClient, createBusClient } from '../../../runtime/platform/bus/client.ts';
import { createSubscriber, type HeldMessage, type Subscriber } from '../../../runtime/platform/bus/subscriber.ts';
import { startServerProcess } from '../../local/pubsub/server-process.ts';
import { quietLog } from '../../support/log.ts';
import { freePort } from '../../support/ports.ts';

let dataDir: string;
let server: PubSubServer;
let bus: BusClient;
const open = new Set<Subscriber>();
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'iot-test-subscriber-'));
  server = await startPubSubServer({ dataDir, port: await freePort() });
  bus = createBusClient({ IOT_PUBSUB_PROJECT: 'test-project', PUBSUB_EMULATOR_HOST: server.host });
});
afterEach(async () => {
  await Promise.all([...open].map((subscriber) => subscriber.close(1_000)));
  open.clear();
});
afterAll(async () => {
  await bus?.close();
  await server?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** A topic with a subscription that redelivers at once, and five messages in it. */
async function subscription(name: string, messages = 5): Promise<string> {
  const topic = bus.topicPath('t', name);
  const path = bus.subscriptionPath('t', name);
  await bus.pubsub.createTopic(topic);
  await bus.pubsub.createSubscription(topic, path, { ackDeadlineSeconds: 10 });
  await bus.publisher.publish({
    topic,
    messages: Array.from({ length: messages }, (_, i) => ({ data: Buffer.from(String(i)) })),
  });
  return path;
}

function listen(
  path: string,
  options: { maxMessages?: number; onMessages?: (m: readonly HeldMessage[]) => void } = {},
) {
  const got: HeldMessage[] = [];
  const subscriber = createSubscriber(
    bus,
    {
      subscription: path,
      maxMessages: options.maxMessages ?? 100,
      maxBytes: 1_000_000,
      leaseSeconds: 10,
      onMessages: (messages) => {
        got.push(...messages);
        options.onMessages?.(messages);
      },
    },
    quietLog,
  );
  open.add(subscriber);
  return { subscriber, got };
}

async function until(ask: () => boolean): Promise<void> {
  for (let waited = 0; !ask(); waited += 10) {
    // Longer than two leases of 20 s: what was delivered into a connection that had just died comes again after one.
    if (waited > 45_000) throw new Error('not within 45 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const texts = (messages: readonly HeldMessage[]) => messages.map((m) => m.data.toString()).sort();

test('what is held past its lease is not delivered again, to nobody, also while the pull is paused', async () => {
  const path = await subscription('held');
  const { subscriber, got } = listen(path);
  await until(() => got.length === 5);
  subscriber.pause();
  expect(subscriber.connected).toBe(false);
  const other = listen(path);
  // Longer than a lease of 10 s; a nack would come back within the first second.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  expect([got.length, other.got.length, subscriber.held]).toEqual([5, 0, 5]);
  subscriber.ack(got);
  await until(() => subscriber.held === 0);
  subscriber.resume();
  await until(() => subscriber.connected);
});

test('no more than may be held is delivered; acknowledging brings the next', async () => {
  const path = await subscription('bounded', 50);
  const acknowledged = new Set<HeldMessage>();
  let most = 0;
  const { subscriber, got } = listen(path, {
    maxMessages: 10,
    onMessages: () => {
      most = Math.max(most, got.length - acknowledged.size);
    },
  });
  await until(() => subscriber.full);
  while (acknowledged.size < 50) {
    const next = got.filter((message) => !acknowledged.has(message));
    for (const message of next) acknowledged.add(message);
    subscriber.ack(next);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => subscriber.held === 0);
  expect(most).toBeLessThanOrEqual(10);
  expect(new Set(texts(got)).size).toBe(50);
});

test('the bus dies and comes back: the pull is opened again, and acknowledgements are handed in late', async () => {
  const ownData = await mkdtemp(join(tmpdir(), 'iot-test-subscriber-'));
  const ownPort = await freePort();
  let process = await startServerProcess(ownData, {}, { port: ownPort });
  const shared = bus;
  bus = createBusClient({ IOT_PUBSUB_PROJECT: 'test-project', PUBSUB_EMULATOR_HOST: process.host });
  try {
    const path = await subscription('restart');
    const { subscriber, got } = listen(path);
    await until(() => got.length === 5);
    // Paused, so that the pull is not back before the acknowledgements: they would find the messages delivered anew.
    subscriber.pause();
    await process.kill('SIGKILL');
    subscriber.ack(got);
    expect(subscriber.held).toBe(5);
    process = await startServerProcess(ownData, {}, { port: ownPort });
    await until(() => subscriber.held === 0);
    subscriber.resume();
    await until(() => subscriber.connected);
    // Now with a pull that stands: it is opened again by itself.
    await process.kill('SIGKILL');
    await until(() => !subscriber.connected);
    process = await startServerProcess(ownData, {}, { port: ownPort });
    await until(() => subscriber.connected);
    await bus.publisher.publish({ topic: bus.topicPath('t', 'restart'), messages: [{ data: Buffer.from('new') }] });
    await until(() => got.length > 5);
    expect(texts(got)).toEqual(['0', '1', '2', '3', '4', 'new']);
    subscriber.ack(got.slice(5));
    await until(() => subscriber.held === 0);
    await subscriber.close(1_000);
  } finally {
    await bus.close();
    bus = shared;
    await process.kill('SIGKILL');
    await rm(ownData, { recursive: true, force: true });
  }
});

test('closing hands in what is acknowledged and leaves the rest for the next', async () => {
  const path = await subscription('closing');
  const first = listen(path);
  await until(() => first.got.length === 5);
  first.subscriber.ack(first.got.slice(0, 3));
  await first.subscriber.close(2_000);
  const second = listen(path);
  await until(() => second.got.length === 2);
  expect(texts(second.got)).toEqual(texts(first.got.slice(3)));
  second.subscriber.ack(second.got);
});
