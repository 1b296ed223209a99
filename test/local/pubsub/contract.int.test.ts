import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type PubSubServer, startPubSubServer } from '../../../runtime/local/pubsub/server.ts';
import { freePort } from '../../support/ports.ts';
import { createHarness, type Harness, PROJECT, texts } from './harness.ts';

/**
 * What Google's unmodified client may expect of Pub/Sub. Runs against our server, or against the emulator named by
 * PUBSUB_EMULATOR_HOST (README.md of the server says which were tried).
 */
const external = process.env['PUBSUB_EMULATOR_HOST'] || undefined;

/** A case of the contract for something that an external emulator was seen to lack; its title says what. */
const unlessLacking = (lacking: string) => (title: string, body: () => Promise<void>) =>
  external === undefined ? it(title, body) : it.skip(`${title} (external emulators lack: ${lacking})`, body);

let harness: Harness;
let server: PubSubServer | undefined;
let folder: string | undefined;

beforeAll(async () => {
  if (external === undefined) {
    folder = await mkdtemp(join(tmpdir(), 'pubsub-'));
    server = await startPubSubServer({ port: await freePort(), dataDir: folder });
  } else await reach(external);
  harness = createHarness(external ?? server?.host ?? '');
});

afterAll(async () => {
  await harness?.close();
  await server?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

/** The client would try an emulator that is not there again and again: fail at once instead. */
async function reach(host: string): Promise<void> {
  const { hostname, port } = new URL(`http://${host}`);
  const socket = connect({ host: hostname, port: Number(port) });
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new Error(`PUBSUB_EMULATOR_HOST: nothing answers at ${host}; start the emulator or unset it`, {
      cause: error,
    });
  } finally {
    socket.destroy();
  }
}

const publish = async (
  topic: { publishMessage: (m: object) => Promise<string> },
  ...data: string[]
): Promise<string[]> => Promise.all(data.map((text) => topic.publishMessage({ data: Buffer.from(text) })));

/** A raw streaming pull that acknowledges nothing by itself. */
function openStream(subscription: string, maxOutstandingMessages: number) {
  const stream = harness.subscriber.streamingPull();
  const ackIds: string[] = [];
  let wake = (): void => undefined;
  stream.on('data', (response: { receivedMessages?: { ackId?: string | null }[] }) => {
    for (const { ackId } of response.receivedMessages ?? []) ackIds.push(ackId as string);
    wake();
  });
  stream.on('error', () => undefined);
  stream.write({ subscription, streamAckDeadlineSeconds: 60, maxOutstandingMessages });
  const until = async (count: number): Promise<void> => {
    while (ackIds.length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { stream, ackIds, until };
}

describe('topics and subscriptions', () => {
  it('creates, finds, lists and deletes', async () => {
    const { topic, subscription } = await harness.pair({ ackDeadlineSeconds: 33, labels: { a: 'b' } });
    const [metadata] = await harness.client.subscription(subscription).getMetadata();
    expect(metadata).toMatchObject({ ackDeadlineSeconds: 33, labels: { a: 'b' }, topic: topic.name });
    const [topics] = await harness.client.getTopics();
    expect(topics.map((one) => one.name)).toContain(topic.name);
    const [subscriptions] = await topic.getSubscriptions();
    expect(subscriptions.map((one) => one.name)).toEqual([`projects/${PROJECT}/subscriptions/${subscription}`]);
    await topic.delete();
    expect(await topic.exists()).toEqual([false]);
    const [orphan] = await harness.client.subscription(subscription).getMetadata();
    expect(orphan.topic).toBe('_deleted-topic_');
    await harness.client.subscription(subscription).delete();
    expect(await harness.client.subscription(subscription).exists()).toEqual([false]);
  });

  it('updates what may be updated', async () => {
    const { subscription } = await harness.pair();
    const handle = harness.client.subscription(subscription);
    await handle.setMetadata({ ackDeadlineSeconds: 77, labels: { team: 'x' } });
    const [metadata] = await handle.getMetadata();
    expect(metadata).toMatchObject({ ackDeadlineSeconds: 77, labels: { team: 'x' } });
  });

  it('answers with the right status', async () => {
    const { client } = harness;
    const { topic, subscription } = await harness.pair();
    const short = topic.name.split('/').at(-1) as string;
    await expect(client.createTopic(short)).rejects.toMatchObject({ code: 6 });
    await expect(client.createSubscription(short, subscription)).rejects.toMatchObject({ code: 6 });
    await expect(client.createSubscription('no-such-topic', harness.name('s'))).rejects.toMatchObject({ code: 5 });
    await expect(client.topic('no-such-topic').getMetadata()).rejects.toMatchObject({ code: 5 });
    await expect(client.subscription('no-such-one').delete()).rejects.toMatchObject({ code: 5 });
    await expect(client.topic('no-such-topic').publishMessage({ data: Buffer.from('x') })).rejects.toMatchObject({
      code: 5,
    });
    const create = (options: object): Promise<unknown> => client.createSubscription(topic, harness.name('s'), options);
    await expect(create({ filter: 'attributes.a == "b"' })).rejects.toMatchObject({ code: 3 });
    await expect(create({ messageRetentionDuration: { seconds: 599 } })).rejects.toMatchObject({ code: 3 });
    await expect(
      create({ deadLetterPolicy: { deadLetterTopic: `projects/${PROJECT}/topics/missing`, maxDeliveryAttempts: 5 } }),
    ).rejects.toMatchObject({ code: 5 });
  });

  unlessLacking('checks of names, deadlines and attempts; a filter that stays')('holds to the limits', async () => {
    const { client } = harness;
    const { topic, subscription } = await harness.pair();
    const create = (options: object): Promise<unknown> => client.createSubscription(topic, harness.name('s'), options);
    await expect(client.createTopic('9starts-with-a-digit')).rejects.toMatchObject({ code: 3 });
    await expect(create({ ackDeadlineSeconds: 5 })).rejects.toMatchObject({ code: 3 });
    await expect(
      create({ deadLetterPolicy: { deadLetterTopic: topic.name, maxDeliveryAttempts: 4 } }),
    ).rejects.toMatchObject({ code: 3 });
    await expect(client.subscription(subscription).setMetadata({ filter: 'attributes:a' })).rejects.toMatchObject({
      code: 3,
    });
  });

  it.skipIf(external !== undefined)('refuses what only the cloud does, saying so (our server alone)', async () => {
    const { client } = harness;
    const { topic, subscription } = await harness.pair();
    const create = (options: object): Promise<unknown> => client.createSubscription(topic, harness.name('s'), options);
    await expect(create({ enableExactlyOnceDelivery: true })).rejects.toMatchObject({
      code: 12,
      details: expect.stringContaining('at least once'),
    });
    await expect(create({ pushConfig: { pushEndpoint: 'https://example.com' } })).rejects.toMatchObject({ code: 12 });
    await expect(
      create({ deadLetterPolicy: { deadLetterTopic: topic.name, maxDeliveryAttempts: 4 } }),
    ).rejects.toMatchObject({ code: 3, details: expect.stringContaining('5 to 100') });
    await expect(client.subscription(subscription).createSnapshot('snap')).rejects.toMatchObject({
      code: 12,
      details: expect.stringContaining('seek to a time'),
    });
  });

  unlessLacking('an end of streams')('ends a stream when its subscription goes away', async () => {
    const { topic, subscription } = await harness.pair();
    const listener = harness.listen(subscription);
    listener.onMessage = (message) => message.ack();
    await publish(topic, 'one');
    await listener.count(1);
    const ended = listener.error();
    await harness.client.subscription(subscription).delete();
    expect(await ended).toMatchObject({ code: 5 });
  });

  unlessLacking('a state of being detached')('detaches', async () => {
    const { topic, subscription } = await harness.pair();
    await publish(topic, 'lost with the detachment');
    await harness.client.detachSubscription(subscription);
    await expect(
      harness.subscriber.pull({
        subscription: `projects/${PROJECT}/subscriptions/${subscription}`,
        maxMessages: 1,
        returnImmediately: true,
      }),
    ).rejects.toMatchObject({ code: 9 });
  });
});

describe('publish', () => {
  it('delivers data, attributes, id and time to every subscription', async () => {
    const { topic, subscription } = await harness.pair();
    const second = harness.name('second');
    await harness.client.createSubscription(topic, second);
    const data = Buffer.from([0, 1, 2, 255]);
    const id = await topic.publishMessage({ data, attributes: { kind: 'reading', leer: '', ключ: 'значение' } });
    for (const name of [subscription, second]) {
      const listener = harness.listen(name);
      const [message] = await listener.count(1);
      message?.ack();
      expect(message?.id).toBe(id);
      expect(message?.data).toEqual(data);
      expect(message?.attributes).toEqual({ kind: 'reading', leer: '', ключ: 'значение' });
      expect(Math.abs(Date.now() - Number(message?.publishTime.getTime()))).toBeLessThan(60_000);
      await listener.close();
    }
  });

  unlessLacking('checks of messages')('refuses an empty message and an attribute too long', async () => {
    const { topic } = await harness.pair();
    await expect(topic.publishMessage({ data: Buffer.alloc(0) })).rejects.toMatchObject({ code: 3 });
    await expect(topic.publishMessage({ attributes: { k: 'v'.repeat(1025) } })).rejects.toMatchObject({ code: 3 });
    await expect(topic.publishMessage({ attributes: { ['k'.repeat(257)]: 'v' } })).rejects.toMatchObject({ code: 3 });
  });

  unlessLacking('requests above 4 MB')('takes nearly 10 MB and refuses more', async () => {
    const { topic, subscription } = await harness.pair();
    const big = Buffer.alloc(9_900_000, 7);
    await topic.publishMessage({ data: big });
    const [message] = await harness.listen(subscription).count(1);
    message?.ack();
    expect(message?.data.equals(big)).toBe(true);
    await expect(topic.publishMessage({ data: Buffer.alloc(10_500_000) })).rejects.toMatchObject({ code: 3 });
  });

  it('gives a subscription only what was published after it', async () => {
    const { topic } = await harness.pair();
    await publish(topic, 'before');
    const later = harness.name('later');
    await harness.client.createSubscription(topic, later);
    await publish(topic, 'after');
    const received = await harness.listen(later).count(1);
    expect(texts(received)).toEqual(['after']);
    received[0]?.ack();
  });
});

describe('delivery', () => {
  it('delivers again what was nacked, and not what was acknowledged', async () => {
    const { topic, subscription } = await harness.pair();
    const listener = harness.listen(subscription);
    let nacked = false;
    listener.onMessage = (message) => {
      if (message.data.toString() === 'bad' && !nacked) {
        nacked = true;
        message.nack();
      } else message.ack();
    };
    await publish(topic, 'good', 'bad');
    const received = await listener.count(3);
    expect(texts(received).sort()).toEqual(['bad', 'bad', 'good']);
  });

  unlessLacking('flow control')('holds no more than max_outstanding_messages with the client', async () => {
    const { topic, subscription } = await harness.pair();
    await publish(topic, ...Array.from({ length: 30 }, (_, i) => `${i}`));
    const path = `projects/${PROJECT}/subscriptions/${subscription}`;
    const first = openStream(path, 10);
    await first.until(10);
    // A round trip on the same subscription: our server would have sent more before it, if it did.
    await harness.subscriber.getSubscription({ subscription: path });
    expect(first.ackIds).toHaveLength(10);
    // What the server had for the first stream and held back, it gives to a second one.
    const second = openStream(path, 15);
    await second.until(15);
    expect(first.ackIds).toHaveLength(10);
    first.stream.write({ ackIds: first.ackIds.slice(0, 4) });
    await first.until(14);
    const third = openStream(path, 10);
    await third.until(1);
    expect([first, second, third].map(({ ackIds }) => ackIds.length)).toEqual([14, 15, 1]);
    for (const { stream } of [first, second, third]) stream.cancel();
  });

  it('answers a ping on an idle stream', async () => {
    const { subscription } = await harness.pair();
    const stream = harness.subscriber.streamingPull();
    stream.on('error', () => undefined);
    let responses = 0;
    const enough = (count: number): Promise<void> =>
      new Promise((resolve) => {
        stream.on('data', () => {
          responses += 1;
          if (responses >= count) resolve();
        });
      });
    const answered = enough(2);
    const path = `projects/${PROJECT}/subscriptions/${subscription}`;
    stream.write({ subscription: path, streamAckDeadlineSeconds: 60, protocolVersion: 1 });
    stream.write({});
    stream.write({});
    await answered;
    stream.cancel();
  });

  it('pulls, extends and acknowledges with unary calls', async () => {
    const { topic, subscription } = await harness.pair();
    const path = `projects/${PROJECT}/subscriptions/${subscription}`;
    await publish(topic, 'a', 'b');
    const ids = new Map<string, string>();
    while (ids.size < 2) {
      const [response] = await harness.subscriber.pull({ subscription: path, maxMessages: 10 });
      for (const { ackId, message } of response.receivedMessages ?? []) ids.set(`${message?.data}`, ackId as string);
    }
    const ackIds = [...ids.values()];
    await harness.subscriber.modifyAckDeadline({ subscription: path, ackIds, ackDeadlineSeconds: 60 });
    await harness.subscriber.acknowledge({ subscription: path, ackIds });
    const [empty] = await harness.subscriber.pull({ subscription: path, maxMessages: 10, returnImmediately: true });
    expect(empty.receivedMessages ?? []).toEqual([]);
  });

  it('delivers only what the filter wants', async () => {
    const { topic, subscription } = await harness.pair({
      filter: 'attributes:kind AND NOT hasPrefix(attributes.kind, "x")',
    });
    for (const attributes of [{}, { kind: 'xyz' }, { kind: 'reading' }] as Record<string, string>[]) {
      await topic.publishMessage({ data: Buffer.from(attributes['kind'] ?? 'none'), attributes });
    }
    const listener = harness.listen(subscription);
    const received = await listener.count(1);
    expect(texts(received)).toEqual(['reading']);
    received[0]?.ack();
    await listener.close();
    const [rest] = await harness.subscriber.pull({
      subscription: `projects/${PROJECT}/subscriptions/${subscription}`,
      maxMessages: 10,
      returnImmediately: true,
    });
    expect(rest.receivedMessages ?? []).toEqual([]);
  });
});

describe('ordering keys', () => {
  it('keeps the order of each key through redelivery', async () => {
    const { topic, subscription } = await harness.pair({ enableMessageOrdering: true });
    topic.setPublishOptions({ messageOrdering: true });
    const keys = ['k1', 'k2', 'k3'];
    const sent: Promise<string>[] = [];
    for (let i = 0; i < 8; i += 1) {
      for (const orderingKey of keys) sent.push(topic.publishMessage({ data: Buffer.from(`${i}`), orderingKey }));
    }
    await Promise.all(sent);
    const listener = harness.listen(subscription, { batching: { maxMilliseconds: 5 } });
    const acked = new Map<string, string[]>(keys.map((key) => [key, []]));
    let nacks = 0;
    listener.onMessage = (message) => {
      const text = message.data.toString();
      if (text === '3' && message.orderingKey === 'k2' && nacks < 2) {
        nacks += 1;
        message.nack();
        return;
      }
      acked.get(message.orderingKey ?? '')?.push(text);
      message.ack();
    };
    await listener.until(() => [...acked.values()].every((list) => list.includes('7')));
    for (const list of acked.values()) expect([...new Set(list)]).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(nacks).toBe(2);
  });
});

describe('dead letters', () => {
  /** Publishes one message, refuses it until it is in the dead-letter topic, and takes it there. */
  async function poison() {
    const [deadTopic] = await harness.client.createTopic(harness.name('dead'));
    const deadSubscription = harness.name('dead-sub');
    await harness.client.createSubscription(deadTopic, deadSubscription);
    const { topic, subscription } = await harness.pair({
      deadLetterPolicy: { deadLetterTopic: deadTopic.name, maxDeliveryAttempts: 5 },
    });
    await topic.publishMessage({ data: Buffer.from('poison'), attributes: { kind: 'reading' } });
    const listener = harness.listen(subscription, { batching: { maxMilliseconds: 5 } });
    listener.onMessage = (message) => message.nack();
    const [dead] = await harness.listen(deadSubscription).count(1);
    dead?.ack();
    return { dead, subscription, attempts: listener.messages.map((message) => message.deliveryAttempt) };
  }

  it('moves a message after its last attempt, with its attributes', async () => {
    const { dead, attempts } = await poison();
    expect(dead?.data.toString()).toBe('poison');
    expect(dead?.attributes).toMatchObject({ kind: 'reading' });
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
  });

  unlessLacking('the history of a dead letter')('tells where a dead letter comes from', async () => {
    const { dead, subscription } = await poison();
    expect(dead?.attributes).toMatchObject({
      kind: 'reading',
      CloudPubSubDeadLetterSourceDeliveryCount: '5',
      CloudPubSubDeadLetterSourceSubscription: subscription,
      CloudPubSubDeadLetterSourceSubscriptionProject: PROJECT,
    });
  });

  unlessLacking('an end of dead letters that were refused')(
    'lets the next message of an ordering key pass once the failed one has left',
    async () => {
      const [deadTopic] = await harness.client.createTopic(harness.name('dead'));
      const deadSubscription = harness.name('dead-sub');
      await harness.client.createSubscription(deadTopic, deadSubscription);
      const { topic, subscription } = await harness.pair({
        enableMessageOrdering: true,
        deadLetterPolicy: { deadLetterTopic: deadTopic.name, maxDeliveryAttempts: 5 },
      });
      topic.setPublishOptions({ messageOrdering: true });
      for (const text of ['poison', 'next', 'last']) {
        await topic.publishMessage({ data: Buffer.from(text), orderingKey: 'key' });
      }
      const listener = harness.listen(subscription, { batching: { maxMilliseconds: 5 } });
      listener.onMessage = (message) => (message.data.toString() === 'poison' ? message.nack() : message.ack());
      const received = await listener.count(7);
      expect(texts(received)).toEqual([...Array(5).fill('poison'), 'next', 'last']);
      const [dead] = await harness.listen(deadSubscription).count(1);
      dead?.ack();
      expect(dead?.data.toString()).toBe('poison');
      expect(dead?.orderingKey).toBe('key');
    },
  );

  unlessLacking('deleting a dead-letter topic in use')('keeps a message whose dead-letter topic is gone', async () => {
    const [deadTopic] = await harness.client.createTopic(harness.name('dead'));
    const { topic, subscription } = await harness.pair({
      deadLetterPolicy: { deadLetterTopic: deadTopic.name, maxDeliveryAttempts: 5 },
    });
    await deadTopic.delete();
    await publish(topic, 'stubborn');
    const listener = harness.listen(subscription, { batching: { maxMilliseconds: 5 } });
    listener.onMessage = (message) => ((message.deliveryAttempt ?? 0) < 8 ? message.nack() : message.ack());
    await listener.count(8);
    expect(listener.messages.at(-1)?.deliveryAttempt).toBe(8);
  });
});

describe('seek', () => {
  it('forward marks everything as acknowledged', async () => {
    const { topic, subscription } = await harness.pair();
    await publish(topic, 'old', 'older');
    await harness.client.subscription(subscription).seek(new Date(Date.now() + 3_600_000));
    await publish(topic, 'new');
    const received = await harness.listen(subscription).count(1);
    expect(texts(received)).toEqual(['new']);
    received[0]?.ack();
  });

  unlessLacking('keeping acknowledged messages')(
    'back delivers acknowledged messages again where they are kept',
    async () => {
      const { topic, subscription } = await harness.pair({ retainAckedMessages: true });
      const start = new Date(Date.now() - 60_000);
      await publish(topic, 'a', 'b');
      // Unary, as the streaming client's acknowledgement has no answer to wait for.
      const path = `projects/${PROJECT}/subscriptions/${subscription}`;
      for (let acked = 0; acked < 2; ) {
        const [response] = await harness.subscriber.pull({ subscription: path, maxMessages: 10 });
        const ackIds = (response.receivedMessages ?? []).map((received) => received.ackId as string);
        await harness.subscriber.acknowledge({ subscription: path, ackIds });
        acked += ackIds.length;
      }
      await harness.client.subscription(subscription).seek(start);
      const again = harness.listen(subscription);
      again.onMessage = (message) => message.ack();
      expect(texts(await again.count(2)).sort()).toEqual(['a', 'b']);
    },
  );
});
