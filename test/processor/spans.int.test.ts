import { expect, test } from 'vitest';
import { createPublisher } from '../../runtime/platform/bus/publisher.ts';
import { startStand } from '../gateway/stand.ts';
import { spanRecorder } from '../support/spans.ts';
import { rowsOf, stand, until } from './harness.ts';

test('one message is one trace, named by its own id: received by the gateway, stored by the processor', async () => {
  const recorder = spanRecorder();
  const s = await stand();
  const namespace = await s.namespace();
  const device = await s.device();
  const { pool } = s.shards.poolFor('main', device);
  const processor = s.start(namespace, {}, s.own.shards, recorder.tracing('processor'));
  const telemetry = createPublisher(s.bus, {
    topic: s.bus.topicPath(namespace, 'telemetry'),
    batchMessages: 100,
    batchMs: 1,
  });
  const gateway = await startStand({ parts: { telemetry, tracing: recorder.tracing('gateway') } });
  try {
    const client = await gateway.connect(device);
    await client.publishAsync(`/devices/${device}/events`, '{"t":21.5}', { qos: 1 });
    await until('the row', async () => (await rowsOf(pool, device)).length === 1);
  } finally {
    await gateway.stop();
    await processor.stop(5_000);
  }
  const [row] = await rowsOf(pool, device);
  await s.stop();
  const spans = await recorder.flushed();
  const received = spans.find((span) => span.service === 'gateway');
  const stored = spans.find((span) => span.service === 'processor');
  expect([received?.name, stored?.name]).toEqual(['gateway.receive', 'processor.store']);
  expect([received?.trace, stored?.trace]).toEqual([row?.message, row?.message]);
  expect(stored?.parent).toBe(received?.id);
}, 60_000);
