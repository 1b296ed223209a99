import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { busPlan } from '../../../runtime/contracts/bus.ts';
import { type PubSubServer, startPubSubServer } from '../../../runtime/local/pubsub/server.ts';
import { type BusClient, createBusClient } from '../../../runtime/platform/bus/client.ts';
import { ensureBus } from '../../../runtime/platform/bus/ensure.ts';
import { BusAwayError, createPublisher } from '../../../runtime/platform/bus/publisher.ts';
import { freePort } from '../../support/ports.ts';

let dataDir: string;
let server: PubSubServer;
let client: BusClient;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'iot-test-bus-'));
  server = await startPubSubServer({ dataDir, port: await freePort() });
  client = createBusClient({ IOT_PUBSUB_PROJECT: 'local-iot', PUBSUB_EMULATOR_HOST: server.host });
});
afterEach(async () => {
  await client.close();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

test('the plan is made once, and again changes nothing', async () => {
  await ensureBus(client, 'pr-12');
  await ensureBus(client, 'pr-12');
  const [subscriptions] = await client.pubsub.getSubscriptions();
  expect(subscriptions.map((s) => s.name.split('/').at(-1)).sort()).toEqual(
    busPlan.subscriptions.map((s) => `pr-12-${s.name}`).sort(),
  );
  const plan = busPlan.subscriptions.find((s) => s.name === 'telemetry-processor');
  const [metadata] = await client.pubsub.subscription('pr-12-telemetry-processor').getMetadata();
  expect(metadata).toMatchObject({
    topic: client.topicPath('pr-12', 'telemetry'),
    ackDeadlineSeconds: plan?.ackDeadlineSeconds,
    deadLetterPolicy: {
      deadLetterTopic: client.topicPath('pr-12', 'telemetry-dead-letters'),
      maxDeliveryAttempts: plan?.deadLetter?.maxDeliveryAttempts,
    },
  });
});

test('published is delivered, bytes and attributes untouched', async () => {
  await ensureBus(client, 'iot');
  const publisher = createPublisher(client, {
    topic: client.topicPath('iot', 'telemetry'),
    batchMessages: 100,
    batchMs: 1,
  });
  const data = Buffer.from([0, 255, 123]);
  const ids = await Promise.all(Array.from({ length: 250 }, (_, n) => publisher.publish(data, { n: String(n) })));
  expect(new Set(ids).size).toBe(250);
  const seen = new Map<string, Buffer>();
  const subscription = client.pubsub.subscription('iot-telemetry-processor');
  await new Promise<void>((resolve, reject) => {
    subscription.on('error', reject);
    subscription.on('message', (message) => {
      message.ack();
      seen.set(message.attributes['n'] ?? '', message.data);
      if (seen.size === 250) resolve();
    });
  });
  await subscription.close();
  expect(seen.get('249')?.equals(data)).toBe(true);
  await publisher.stop();
});

test('a topic that does not exist, and a server that is gone, fail fast; back again, it publishes again', async () => {
  await ensureBus(client, 'iot');
  const options = { batchMessages: 1, batchMs: 0 };
  const nowhere = createPublisher(client, { ...options, topic: client.topicPath('iot', 'nowhere') });
  await expect(nowhere.publish(Buffer.from('x'), {})).rejects.toThrow(/NOT_FOUND/);
  const publisher = createPublisher(client, { ...options, topic: client.topicPath('iot', 'telemetry') });
  await publisher.publish(Buffer.from('x'), {});
  const { port } = server;
  await server.close();
  for (let i = 0; publisher.state === 'up'; i++) {
    expect(i).toBeLessThan(5);
    await expect(publisher.publish(Buffer.from('x'), {})).rejects.toBeInstanceOf(BusAwayError);
  }
  server = await startPubSubServer({ dataDir, port });
  for (;;) {
    const id = await publisher.publish(Buffer.from('y'), {}).catch(() => '');
    if (id !== '') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(publisher.state).toBe('up');
});
