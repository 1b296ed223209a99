import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createAdjustableClock } from '../../../runtime/local/pubsub/clock.ts';
import { startPubSubServer } from '../../../runtime/local/pubsub/server.ts';
import { freePort } from '../../support/ports.ts';
import { createHarness, type Harness, PROJECT, texts } from './harness.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

/** What our own server promises through its death, and over times that a test cannot wait for. */
let folder: string;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pubsub-'));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await rm(folder, { recursive: true });
});

async function start(env: Record<string, string> = {}, port?: number): Promise<ServerProcess> {
  const server = await startServerProcess(folder, env, port === undefined ? {} : { port });
  cleanups.push(() => server.kill('SIGKILL'));
  return server;
}

function connect(host: string): Harness {
  const harness = createHarness(host);
  cleanups.push(() => harness.close());
  return harness;
}

const path = (subscription: string): string => `projects/${PROJECT}/subscriptions/${subscription}`;

/** Everything in the backlog right now, leased for ten minutes; text to ack id. */
async function drain(harness: Harness, subscription: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (;;) {
    const [response] = await harness.subscriber.pull({
      subscription: path(subscription),
      maxMessages: 1000,
      returnImmediately: true,
    });
    if (!response.receivedMessages?.length) return found;
    for (const { ackId, message } of response.receivedMessages) found.set(`${message?.data}`, ackId as string);
  }
}

/** A unary call without the client's retries, as it would try for a minute on a dead server. */
const ONCE = { retry: null, timeout: 5_000 } as const;

describe('kill -9', () => {
  it('before COMMIT: nothing was confirmed, and the publisher that tries again gets through once', async () => {
    const server = await start();
    const first = connect(server.host);
    const { topic, subscription } = await first.pair();
    await topic.publishMessage({ data: Buffer.from('kept') });
    await server.kill('SIGTERM');
    const port = Number(server.host.split(':')[1]);
    const doomed = await start({ PUBSUB_CRASH_AT: 'publish:before-commit' }, port);
    // The client retries UNAVAILABLE by itself; it is confirmed by the server that comes back.
    const confirmed = topic.publishMessage({ data: Buffer.from('tried again') });
    expect(await doomed.ended).toBe('SIGKILL');
    const back = await start({}, port);
    await confirmed;
    expect([...(await drain(connect(back.host), subscription)).keys()].sort()).toEqual(['kept', 'tried again']);
    expect((await back.metrics()).get(`iot_pubsub_backlog_messages{subscription="${subscription}"}`)).toBe(2);
  });

  it('after COMMIT, before the reply: the message is there, though nobody was told', async () => {
    const server = await start();
    const { topic, subscription } = await connect(server.host).pair();
    await server.kill('SIGTERM');
    const port = Number(server.host.split(':')[1]);
    const doomed = await start({ PUBSUB_CRASH_AT: 'publish:after-commit' }, port);
    topic.setPublishOptions({ gaxOpts: ONCE });
    const unconfirmed = topic.publishMessage({ data: Buffer.from('stored') }).then(
      () => 'confirmed',
      () => 'refused',
    );
    expect(await doomed.ended).toBe('SIGKILL');
    expect(await unconfirmed).toBe('refused');
    const back = await start({}, port);
    expect([...(await drain(connect(back.host), subscription)).keys()]).toEqual(['stored']);
  });

  it('under load: everything confirmed is there, nothing confirmed as acknowledged comes back', async () => {
    const server = await start();
    const harness = connect(server.host);
    const { topic, subscription } = await harness.pair();
    topic.setPublishOptions({ batching: { maxMessages: 50, maxMilliseconds: 2 }, gaxOpts: ONCE });
    const confirmed = new Set<string>();
    const acked = new Set<string>();
    let inDoubt: string[] = [];
    let open = true;
    const publishing = (async () => {
      for (let i = 0; open; i += 1) {
        const batch = Array.from({ length: 50 }, (_, j) => `${i}-${j}`);
        await Promise.all(
          batch.map((text) =>
            topic.publishMessage({ data: Buffer.from(text) }).then(
              () => confirmed.add(text),
              () => (open = false),
            ),
          ),
        );
      }
    })();
    const acknowledging = (async () => {
      while (open) {
        try {
          const [response] = await harness.subscriber.pull(
            { subscription: path(subscription), maxMessages: 100 },
            ONCE,
          );
          const received = (response.receivedMessages ?? []).filter((_, i) => i % 2 === 0);
          if (received.length === 0) continue;
          const ackIds = received.map(({ ackId }) => ackId as string);
          inDoubt = received.map(({ message }) => `${message?.data}`);
          await harness.subscriber.acknowledge({ subscription: path(subscription), ackIds }, ONCE);
          for (const text of inDoubt) acked.add(text);
          if (acked.size > 2000) server.kill('SIGKILL').catch(() => undefined);
        } catch {
          // The server is dead, which is the point.
          open = false;
        }
      }
    })();
    await Promise.all([publishing, acknowledging]);
    expect(await server.ended).toBe('SIGKILL');
    const back = await start();
    const left = await drain(connect(back.host), subscription);
    const missing = [...confirmed].filter((text) => !left.has(text) && !acked.has(text));
    // The one acknowledgement under way when the server died may have been stored without its reply.
    expect(missing.filter((text) => !inDoubt.includes(text))).toEqual([]);
    expect([...acked].filter((text) => left.has(text))).toEqual([]);
    expect(acked.size).toBeGreaterThan(2000);
  });

  it('after an acknowledgement was stored but not answered: the message does not come back', async () => {
    const server = await start();
    const { topic, subscription } = await connect(server.host).pair();
    await topic.publishMessage({ data: Buffer.from('done') });
    await topic.publishMessage({ data: Buffer.from('open') });
    await server.kill('SIGTERM');
    const doomed = await start({ PUBSUB_CRASH_AT: 'acknowledge:after-commit' });
    const harness = connect(doomed.host);
    const ackIds = [(await drain(harness, subscription)).get('done') as string];
    const answer = harness.subscriber.acknowledge({ subscription: path(subscription), ackIds }, ONCE);
    await expect(answer).rejects.toBeDefined();
    expect(await doomed.ended).toBe('SIGKILL');
    expect([...(await drain(connect((await start()).host), subscription)).keys()]).toEqual(['open']);
  });

  it.each(['before-commit', 'after-commit'])('while dead-lettering, %s: the message is in one place', async (point) => {
    const server = await start();
    const harness = connect(server.host);
    const [deadTopic] = await harness.client.createTopic(harness.name('dead'));
    const deadSubscription = harness.name('dead-sub');
    await harness.client.createSubscription(deadTopic, deadSubscription);
    const { topic, subscription } = await harness.pair({
      deadLetterPolicy: { deadLetterTopic: deadTopic.name, maxDeliveryAttempts: 5 },
    });
    await topic.publishMessage({ data: Buffer.from('poison') });
    await server.kill('SIGTERM');
    const doomed = await start({ PUBSUB_CRASH_AT: `dead-letter:${point}` });
    const listener = connect(doomed.host).listen(subscription, { batching: { maxMilliseconds: 5 } });
    listener.onMessage = (message) => message.nack();
    expect(await doomed.ended).toBe('SIGKILL');
    const after = connect((await start()).host);
    const source = [...(await drain(after, subscription)).keys()];
    const dead = [...(await drain(after, deadSubscription)).keys()];
    expect([source, dead]).toEqual(point === 'before-commit' ? [['poison'], []] : [[], ['poison']]);
  });

  it('keeps the number of attempts', async () => {
    const server = await start();
    const harness = connect(server.host);
    const [deadTopic] = await harness.client.createTopic(harness.name('dead'));
    const { topic, subscription } = await harness.pair({
      deadLetterPolicy: { deadLetterTopic: deadTopic.name, maxDeliveryAttempts: 10 },
    });
    await topic.publishMessage({ data: Buffer.from('again') });
    const listener = harness.listen(subscription, { batching: { maxMilliseconds: 5 } });
    listener.onMessage = (message) => (message.deliveryAttempt ?? 0) < 4 && message.nack();
    await listener.count(4);
    // Any change of the subscription commits what waits before it.
    await harness.client.subscription(subscription).setMetadata({ labels: { a: 'b' } });
    await server.kill('SIGKILL');
    const back = connect((await start()).host).listen(subscription);
    const [message] = await back.count(1);
    message?.ack();
    expect(message?.deliveryAttempt).toBe(4);
  });

  it('ends with 0 on SIGTERM, and the client goes on with the next server', async () => {
    const server = await start();
    const port = Number(server.host.split(':')[1]);
    const harness = connect(server.host);
    const { topic, subscription } = await harness.pair();
    const listener = harness.listen(subscription);
    listener.onMessage = (message) => message.ack();
    await topic.publishMessage({ data: Buffer.from('one') });
    await listener.count(1);
    expect(await server.kill('SIGTERM')).toBe(0);
    await start({}, port);
    await topic.publishMessage({ data: Buffer.from('two') });
    await listener.until(() => texts(listener.messages).includes('two'));
  });

  it('leaves a backlog of 50,000 whole', async () => {
    const server = await start();
    const harness = connect(server.host);
    const { topic, subscription } = await harness.pair();
    topic.setPublishOptions({ batching: { maxMessages: 1000, maxMilliseconds: 10 } });
    const data = Buffer.alloc(100, 'x');
    for (let i = 0; i < 5; i += 1) {
      await Promise.all(Array.from({ length: 10_000 }, () => topic.publishMessage({ data })));
    }
    await server.kill('SIGKILL');
    const back = await start();
    const again = connect(back.host);
    const listener = again.listen(subscription, {
      flowControl: { maxMessages: 5000 },
      batching: { maxMilliseconds: 10 },
    });
    const seen = new Set<string>();
    listener.onMessage = (message) => {
      seen.add(message.id);
      message.ack();
    };
    await listener.until(() => seen.size === 50_000);
  });

  it('refuses a second server on the same folder', async () => {
    await start();
    await expect(start()).rejects.toThrow(/PUBSUB_DATA: .*another Pub\/Sub server/);
  });
});

describe('with a clock of our own', () => {
  async function startWithClock(): Promise<{ harness: Harness; advance: (ms: number) => void }> {
    const clock = createAdjustableClock();
    const server = await startPubSubServer({ port: await freePort(), dataDir: folder, clock });
    clock.onAdvance(server.tick);
    cleanups.push(() => server.close());
    return { harness: connect(server.host), advance: clock.advance };
  }

  it('a lease lives beyond ten minutes as long as it is extended, and not without', async () => {
    const { harness, advance } = await startWithClock();
    const { topic, subscription } = await harness.pair();
    await topic.publishMessage({ data: Buffer.from('slow') });
    const [ackId] = (await drain(harness, subscription)).values();
    const request = { subscription: path(subscription), ackIds: [ackId as string] };
    for (let minutes = 0; minutes < 60; minutes += 9) {
      await harness.subscriber.modifyAckDeadline({ ...request, ackDeadlineSeconds: 600 });
      advance(9 * 60_000);
      expect((await drain(harness, subscription)).size).toBe(0);
    }
    await harness.subscriber.modifyAckDeadline({ ...request, ackDeadlineSeconds: 600 });
    advance(600_200);
    expect([...(await drain(harness, subscription)).keys()]).toEqual(['slow']);
  });

  it('the streaming client holds a message for longer than its lease', async () => {
    const { harness, advance } = await startWithClock();
    const { topic, subscription } = await harness.pair();
    const listener = harness.listen(subscription, { batching: { maxMilliseconds: 1 } });
    await topic.publishMessage({ data: Buffer.from('slow') });
    const [message] = await listener.count(1);
    for (let minutes = 0; minutes < 30; minutes += 9) {
      message?.modAck(600);
      await topic.publishMessage({ data: Buffer.from(`after ${minutes}`) });
      await listener.until(() => texts(listener.messages).includes(`after ${minutes}`));
      listener.messages.at(-1)?.ack();
      await harness.client.subscription(subscription).getMetadata();
      advance(9 * 60_000);
    }
    expect(texts(listener.messages).filter((text) => text === 'slow')).toEqual(['slow']);
    message?.ack();
  });

  it('backs off between deliveries as the retry policy says', async () => {
    const { harness, advance } = await startWithClock();
    const { topic, subscription } = await harness.pair({
      retryPolicy: { minimumBackoff: { seconds: 10 }, maximumBackoff: { seconds: 40 } },
    });
    await topic.publishMessage({ data: Buffer.from('again') });
    const waits = [10, 20, 40, 40];
    let [ackId] = (await drain(harness, subscription)).values();
    for (const seconds of waits) {
      const request = { subscription: path(subscription), ackIds: [ackId as string], ackDeadlineSeconds: 0 };
      await harness.subscriber.modifyAckDeadline(request);
      advance(seconds * 1000 - 500);
      expect((await drain(harness, subscription)).size).toBe(0);
      advance(700);
      [ackId] = (await drain(harness, subscription)).values();
      expect(ackId).toBeDefined();
    }
  });

  it('forgets unacknowledged messages after the retention, and seeks to a time between two messages', async () => {
    const { harness, advance } = await startWithClock();
    const { topic, subscription } = await harness.pair({ retainAckedMessages: true });
    const start = Date.now();
    for (const text of ['a', 'b', 'c']) {
      await topic.publishMessage({ data: Buffer.from(text) });
      advance(3_600_000);
    }
    const handle = harness.client.subscription(subscription);
    await handle.seek(new Date(start + 1_800_000));
    expect([...(await drain(harness, subscription)).keys()]).toEqual(['b', 'c']);
    await handle.seek(new Date(start - 1000));
    expect([...(await drain(harness, subscription)).keys()]).toEqual(['a', 'b', 'c']);
    advance(7 * 24 * 3_600_000 - 1.5 * 3_600_000);
    await handle.seek(new Date(start - 1000));
    expect([...(await drain(harness, subscription)).keys()]).toEqual(['c']);
    advance(7 * 24 * 3_600_000);
    await harness.client.subscription(subscription).getMetadata();
    expect([...(await drain(harness, subscription)).keys()]).toEqual([]);
  });
});
