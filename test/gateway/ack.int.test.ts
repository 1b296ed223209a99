import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace';
import { afterEach, expect, test } from 'vitest';
import { decodeRecords } from '../../runtime/gateway/spill-record.ts';
import { startTracing } from '../../runtime/platform/service/trace.ts';
import { closed, type Stand, startStand } from './stand.ts';

let stand: Stand;
afterEach(() => stand.stop());

test('no PUBACK leaves before the bus has stored the message', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1');
  stand.bus.mode = 'silent';
  const acks: number[] = [];
  client.on('packetreceive', (packet) => packet.cmd === 'puback' && acks.push(packet.messageId ?? 0));
  const published = client.publishAsync('/devices/sensor-1/events', '{"temperature":21.5}', { qos: 1 });
  while (stand.bus.asked === 0) await new Promise(setImmediate);
  // Whatever the gateway had sent before the answer to this subscription would have arrived before it.
  await client.subscribeAsync('/devices/sensor-1/config');
  expect(acks).toEqual([]);
  stand.bus.release();
  await published;
  expect(acks).toHaveLength(1);
  expect(stand.bus.stored).toHaveLength(1);
});

test('the body is the payload untouched, the attributes say whose it is', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1');
  const body = Buffer.from([0xff, 0x00, 0x7b, 0x22]);
  await client.publishAsync('/devices/sensor-1/events/door/front', body, { qos: 1 });
  await client.publishAsync('/devices/sensor-1/state', 'x', { qos: 1 });
  const [[first], [second]] = [stand.bus.stored, stand.updates.stored];
  expect(Buffer.compare(first?.data ?? Buffer.alloc(0), body)).toBe(0);
  expect(first?.attributes).toEqual({
    v: '1',
    tenant: 'main',
    device: 'sensor-1',
    kind: 'events',
    subfolder: 'door/front',
    message: expect.stringMatching(/^[0-9a-f]{32}$/),
    received: expect.stringMatching(/^\d{13}$/),
  });
  expect(second?.attributes).toEqual({
    v: '1',
    tenant: 'main',
    device: 'sensor-1',
    kind: 'state',
    message: expect.stringMatching(/^[0-9a-f]{32}$/),
    received: expect.stringMatching(/^\d{13}$/),
    connection: expect.stringMatching(/^\d{13}$/),
    order: '0',
  });
});

test('acknowledgements keep their order over both topics of the bus', async () => {
  stand = await startStand({ env: { IOT_DEVICE_MESSAGES_PER_SECOND: '10000' } });
  const client = await stand.connect('sensor-1');
  const sent: number[] = [];
  const acked: number[] = [];
  client.on('packetsend', (packet) => packet.cmd === 'publish' && sent.push(packet.messageId ?? 0));
  client.on('packetreceive', (packet) => packet.cmd === 'puback' && acked.push(packet.messageId ?? 0));
  stand.updates.mode = 'silent';
  const topics = ['events', 'events', 'state', 'events', 'commands/reboot/result', 'state', 'events'];
  const all = Promise.all(
    topics.map((topic) => client.publishAsync(`/devices/sensor-1/${topic}`, `{"n":1}`, { qos: 1 })),
  );
  await stand.bus.until(() => stand.bus.stored.length === 2);
  expect(stand.bus.stored).toHaveLength(2); // what came behind the state waits for it
  stand.updates.release();
  await all;
  expect(acked).toEqual(sent);
  expect(stand.updates.stored.map(({ attributes }) => [attributes['kind'], attributes['order']])).toEqual([
    ['state', '0'],
    ['command-result', '1'],
    ['state', '2'],
  ]);
});

test('many in flight from one device are acknowledged in their order', async () => {
  stand = await startStand({ env: { IOT_DEVICE_MESSAGES_PER_SECOND: '10000' } });
  const client = await stand.connect('sensor-1');
  const sent: number[] = [];
  const acked: number[] = [];
  client.on('packetsend', (packet) => packet.cmd === 'publish' && sent.push(packet.messageId ?? 0));
  client.on('packetreceive', (packet) => packet.cmd === 'puback' && acked.push(packet.messageId ?? 0));
  await Promise.all(
    Array.from({ length: 500 }, (_, i) => client.publishAsync('/devices/sensor-1/events', `{"n":${i}}`, { qos: 1 })),
  );
  expect(acked).toEqual(sent);
  expect(stand.bus.stored.map((m) => JSON.parse(m.data.toString()).n)).toEqual(
    Array.from({ length: 500 }, (_, i) => i),
  );
});

test('the bus away beyond the budget without a spill log: the connection ends, nothing is acknowledged', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1', { keepalive: 1 });
  stand.bus.mode = 'refuses';
  let acked = false;
  client.publish('/devices/sensor-1/events', '{}', { qos: 1 }, (error) => {
    acked = error === undefined || error === null;
  });
  await closed(client);
  expect(acked).toBe(false);
  expect(await stand.metric('iot_gateway_refused_total', { reason: 'bus-away' })).toBe(1);
});

test('the bus away and back within the budget: the ack is held, then given', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1', { keepalive: 60 });
  stand.bus.mode = 'refuses';
  const published = client.publishAsync('/devices/sensor-1/events', '{}', { qos: 1 });
  while ((await stand.metric('iot_gateway_bus_up')) === 1) await new Promise(setImmediate);
  stand.bus.mode = 'answers';
  await published;
  expect(stand.bus.stored).toHaveLength(1);
});

test('with a spill log the ack comes while the bus is away, and the messages reach the bus afterwards', async () => {
  stand = await startStand({ spill: true });
  const client = await stand.connect('sensor-1');
  stand.bus.mode = 'refuses';
  for (let i = 0; i < 20; i++) await client.publishAsync('/devices/sensor-1/events', `{"n":${i}}`, { qos: 1 });
  expect(stand.bus.stored).toHaveLength(0);
  expect(stand.spill?.backlog).toBe(20);
  expect(await stand.metric('iot_gateway_spilled_messages_total')).toBe(20);
  stand.bus.mode = 'answers';
  await stand.bus.until(() => stand.bus.stored.length >= 20);
  expect(stand.bus.stored.map((m) => JSON.parse(m.data.toString()).n)).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test('an acknowledged message that the bus refuses for good is kept in a file and counted; the others arrive', async () => {
  stand = await startStand({ spill: true });
  const client = await stand.connect('sensor-1');
  stand.bus.mode = 'refuses';
  for (let i = 0; i < 20; i++) await client.publishAsync('/devices/sensor-1/events', `{"n":${i}}`, { qos: 1 });
  stand.bus.refusesForGood = (message) => JSON.parse(message.data.toString()).n === 7;
  stand.bus.mode = 'answers';
  await stand.bus.until(() => stand.bus.stored.length >= 19);
  while ((await stand.metric('iot_gateway_spill_backlog_messages')) > 0) await new Promise(setImmediate);
  expect(await stand.metric('iot_gateway_spill_refused_messages')).toBe(1);
  const file = await readFile(join(stand.stateDir, 'spill', 'refused-000000000001.log'));
  expect(decodeRecords(file).messages.map((m) => m.data.toString())).toEqual(['{"n":7}']);
});

test('QoS 2 is stored once, also when PUBLISH is sent again before PUBREL', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1');
  await client.publishAsync('/devices/sensor-1/events', '{"n":1}', { qos: 2 });
  await client.publishAsync('/devices/sensor-1/events', '{"n":2}', { qos: 2 });
  expect(stand.bus.stored).toHaveLength(2);
});

test('QoS 0 goes to the bus too; its drop while the bus is away is counted, not silent', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1');
  await client.publishAsync('/devices/sensor-1/events', '{"n":1}', { qos: 0 });
  await stand.bus.until(() => stand.bus.stored.length === 1);
  stand.bus.mode = 'refuses';
  await client.publishAsync('/devices/sensor-1/events', '{"n":2}', { qos: 0 });
  await client.subscribeAsync('/devices/sensor-1/config');
  while ((await stand.metric('iot_gateway_refused_total', { reason: 'qos0-dropped' })) === 0)
    await new Promise(setImmediate);
  expect(client.connected).toBe(true);
});

test('a sampled message carries a traceparent with its own id as trace id', async () => {
  const settings = { IOT_INSTANCE: 'gateway-1', IOT_TRACE_RATIO: 1 };
  const tracing = startTracing(settings, 'gateway', new InMemorySpanExporter());
  stand = await startStand({ parts: { tracing } });
  const client = await stand.connect('sensor-1');
  await client.publishAsync('/devices/sensor-1/events', '{}', { qos: 1 });
  const { message, traceparent } = stand.bus.stored[0]?.attributes ?? {};
  expect(traceparent).toMatch(new RegExp(`^00-${message}-[0-9a-f]{16}-01$`));
  await tracing.stop();
});
