import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { freePort } from '../support/ports.ts';
import { type RawDevice, rawTcp, rawTls } from './raw.ts';
import { closed, type Stand, startStand } from './stand.ts';

let stand: Stand;
afterEach(() => stand.stop());

const plain = async () => {
  const port = await freePort();
  stand = await startStand({ env: { IOT_MQTT_PLAIN_PORT: String(port) } });
  return port;
};
const refusals = (reason: string) => stand.metric('iot_gateway_refused_total', { reason });

/** The process is well when a new device still gets its message through. */
async function healthy(): Promise<void> {
  const stored = stand.bus.stored.length;
  const client = await stand.connect('healthy-1');
  await client.publishAsync('/devices/healthy-1/events', '{}', { qos: 1 });
  expect(stand.bus.stored.length).toBe(stored + 1);
  await client.endAsync();
}

test.each([
  ['another device', '/devices/sensor-2/events'],
  ['the old prefix', 'devices/sensor-1/events'],
  ['an unknown kind', '/devices/sensor-1/config'],
  ['$SYS', '$SYS/broker/clients'],
  ['a progress of firmware, not taken yet', '/devices/sensor-1/firmware/progress'],
  ['a subfolder too deep', '/devices/sensor-1/events/a/b/c/d/e/f'],
  ['inherited names', '/devices/__proto__/events'],
])('publishing to %s ends the connection, and the device has to wait', async (_, topic) => {
  stand = await startStand();
  const identity = await stand.authority.device('sensor-1');
  const device = await rawTls(stand, identity);
  device.hello('sensor-1');
  await device.packet('connack');
  device.publish(topic, 1);
  await device.gone;
  expect(device.count('puback')).toBe(0);
  expect(stand.bus.stored).toHaveLength(0);
  expect(await refusals('topic')).toBe(1);
  const again = await rawTls(stand, identity);
  again.hello('sensor-1');
  expect(await again.packet('connack')).toMatchObject({ returnCode: 3 });
  expect(await refusals('penalty')).toBe(1);
  await healthy();
});

test('a device subscribes below its own id only, wildcards included', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1');
  const ask = async (topic: string) => (await client.subscribeAsync(topic).catch(() => [{ qos: 128 }]))[0]?.qos;
  for (const own of ['/devices/sensor-1/config', '/devices/sensor-1/commands/#', '/devices/sensor-1/#'])
    expect(await ask(own)).toBeLessThan(3);
  for (const foreign of ['#', '/devices/#', '/devices/+/config', '/devices/sensor-2/config', '$SYS/#', '+/+/+/config'])
    expect(await ask(foreign), foreign).toBe(128);
  expect(await refusals('subscription')).toBe(6);
});

test('a device hears what the platform sends it, and nothing that another device publishes', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1');
  const heard: string[] = [];
  client.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
  expect(stand.gateway.send('main', 'sensor-1', '/devices/sensor-1/config', Buffer.from('early'), 1)).toBe(false);
  await client.subscribeAsync('/devices/sensor-1/#', { qos: 1 });
  await client.publishAsync('/devices/sensor-1/events', 'own', { qos: 1 });
  const received = new Promise((resolve) => client.once('message', resolve));
  expect(stand.gateway.send('main', 'sensor-1', '/devices/sensor-1/config', Buffer.from('{"v":1}'), 1)).toBe(true);
  await received;
  expect(heard).toEqual(['/devices/sensor-1/config {"v":1}']);
});

test('QoS 2: PUBLISH sent again before PUBREL is answered again and not stored again', async () => {
  const device = await rawTcp(await plain());
  device.hello('sensor-1');
  await device.packet('connack');
  device.publish('/devices/sensor-1/events', 7, { qos: 2 });
  await device.packet('pubrec');
  device.publish('/devices/sensor-1/events', 7, { qos: 2, dup: true });
  device.publish('/devices/sensor-1/events', 7, { qos: 2, dup: true });
  device.send({ cmd: 'pubrel', messageId: 7 });
  await device.packet('pubcomp');
  expect(device.count('pubrec')).toBe(3);
  expect(stand.bus.stored).toHaveLength(1);
  device.publish('/devices/sensor-1/events', 7, { qos: 2 });
  await stand.bus.until(() => stand.bus.stored.length === 2);
});

test('QoS 2: sent again while the first is being stored: one message, one answer each', async () => {
  const device = await rawTcp(await plain());
  device.hello('sensor-1');
  await device.packet('connack');
  stand.bus.mode = 'silent';
  device.publish('/devices/sensor-1/events', 7, { qos: 2 });
  device.publish('/devices/sensor-1/events', 7, { qos: 2, dup: true });
  while (stand.bus.asked === 0) await new Promise(setImmediate);
  device.send({ cmd: 'pingreq' });
  await device.packet('pingresp');
  expect(device.count('pubrec')).toBe(0);
  stand.bus.release();
  await device.packet('pubrec');
  device.send({ cmd: 'pubrel', messageId: 7 });
  await device.packet('pubcomp');
  expect(device.count('pubrec')).toBe(2);
  expect(stand.bus.stored).toHaveLength(1);
});

test('an oversized packet is refused at its header, before it is gathered', async () => {
  const device = await rawTcp(await plain());
  device.hello('sensor-1');
  await device.packet('connack');
  device.socket.write(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f])); // PUBLISH of 256 MB, not one byte of it sent
  await device.gone;
  expect(await refusals('oversize')).toBe(1);
  await healthy();
});

test('one packet too large, or many wrong ones at once, are one violation, with the wait of one', async () => {
  const port = await plain();
  const large = await rawTcp(port);
  large.hello('sensor-1');
  await large.packet('connack');
  large.socket.write(Buffer.concat([Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(2_000_000, 0x3f)]));
  await large.gone;
  expect(await refusals('oversize')).toBe(1);
  expect(await refusals('protocol')).toBe(0);
  const astray = await rawTcp(port);
  astray.hello('sensor-2');
  await astray.packet('connack');
  astray.socket.cork();
  for (let n = 1; n <= 20; n++) astray.publish('/devices/sensor-1/events', n);
  astray.socket.uncork();
  await astray.gone;
  expect(await refusals('topic')).toBe(1);
  expect(stand.bus.stored).toHaveLength(0);
  await healthy();
});

test('a payload of 256 KiB is taken, one byte more is not', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1');
  await client.publishAsync('/devices/sensor-1/events', Buffer.alloc(262_144), { qos: 1 });
  client.publish('/devices/sensor-1/events', Buffer.alloc(262_145), { qos: 1 });
  await closed(client);
  expect(stand.bus.stored).toHaveLength(1);
  expect(await refusals('oversize')).toBe(1);
});

test('MQTT 5 is refused with its own code', async () => {
  const device = await rawTcp(await plain());
  const bytes: Buffer[] = [];
  device.socket.on('data', (chunk: Buffer) => bytes.push(chunk));
  device.socket.write(Buffer.from('101200044d5154540500003c0000057365727365', 'hex').subarray(0, 20));
  await device.gone;
  expect(Buffer.concat(bytes).toString('hex')).toBe('2003008400');
});

test.each([
  ['a second CONNECT', (d: RawDevice) => d.hello('sensor-1')],
  ['a packet that only a server sends', (d: RawDevice) => void d.socket.write(Buffer.from([0x20, 0x02, 0, 0]))],
  ['a reserved packet type', (d: RawDevice) => void d.socket.write(Buffer.from([0xf0, 0x00]))],
  ['QoS 3', (d: RawDevice) => void d.socket.write(Buffer.from([0x36, 0x02, 0, 0]))],
  ['an empty topic', (d: RawDevice) => void d.socket.write(Buffer.from([0x32, 0x04, 0, 0, 0, 1]))],
  [
    'a topic longer than its packet',
    (d: RawDevice) => void d.socket.write(Buffer.from([0x30, 0x03, 0xff, 0xff, 0x2f])),
  ],
])('%s ends the connection', async (_, act) => {
  const device = await rawTcp(await plain());
  device.hello('sensor-1');
  await device.packet('connack');
  act(device);
  await device.gone;
  await healthy();
});

test('the first packet must be CONNECT', async () => {
  const device = await rawTcp(await plain());
  device.publish('/devices/sensor-1/events', 1);
  await device.gone;
  expect(stand.bus.stored).toHaveLength(0);
});

test('random bytes, and a CONNECT followed by random packets, leave the process healthy', async () => {
  const port = await plain();
  const garbage = fc.uint8Array({ minLength: 1, maxLength: 200 });
  const types = fc.constantFrom(1, 3, 4, 5, 6, 7, 8, 10, 12, 14);
  const packet = fc
    .tuple(types, fc.integer({ min: 0, max: 15 }), fc.uint8Array({ maxLength: 100 }))
    .map(([type, flags, body]) => Uint8Array.from([(type << 4) | flags, body.length, ...body]));
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.oneof(garbage, packet),
      fc.array(packet, { maxLength: 5 }),
      async (hello, a, more) => {
        const device = await rawTcp(port);
        if (hello) device.hello('sensor-1');
        for (const bytes of [a, ...more]) device.socket.write(bytes);
        device.socket.end();
        await device.gone;
      },
    ),
    { numRuns: 150 },
  );
  await healthy();
});

test('a TLS connection that never says hello, and one that never sends CONNECT, are closed', async () => {
  stand = await startStand({ env: { IOT_MAX_CONNECTIONS: '3' }, parts: { connectTimeoutMs: 300 } });
  const silent = await rawTcp(stand.settings.IOT_MQTT_PORT);
  const second = await rawTls(stand, await stand.authority.device('sensor-1'));
  await Promise.all([silent.gone, second.gone]);
  await healthy();
});

/** Half-open TLS of this machine's other loopback addresses, as from other hosts. */
const silentFrom = (localAddress: string, count: number) =>
  Promise.all(Array.from({ length: count }, () => rawTcp(stand.settings.IOT_MQTT_PORT, localAddress)));

test('one address with hundreds of half-open TLS connections holds its own places; others come in', async () => {
  stand = await startStand({ env: { IOT_HANDSHAKES_IN_PROGRESS: '8', IOT_HANDSHAKES_PER_ADDRESS: '6' } });
  await silentFrom('127.0.0.66', 300);
  await vi.waitFor(async () => expect(await stand.metric('iot_gateway_handshakes_waiting')).toBe(294));
  expect(await stand.metric('iot_gateway_handshakes_in_progress')).toBe(6);
  const client = await stand.connect('sensor-1');
  await client.publishAsync('/devices/sensor-1/events', '{}', { qos: 1 });
  expect(await stand.metric('iot_gateway_source_addresses')).toBe(2);
  const behind = await rawTcp(stand.settings.IOT_MQTT_PORT, '127.0.0.66');
  expect(await stand.metric('iot_gateway_handshakes_in_progress')).toBe(6);
  behind.socket.destroy();
});

test('half-open connections end at their time, and their address comes in again', async () => {
  const env = { IOT_HANDSHAKES_IN_PROGRESS: '2', IOT_HANDSHAKES_PER_ADDRESS: '1' };
  stand = await startStand({ env, parts: { connectTimeoutMs: 300 } });
  const silent = await silentFrom('127.0.0.66', 4);
  const device = await rawTls(stand, await stand.authority.device('sensor-1'), { localAddress: '127.0.0.66' });
  device.hello('sensor-1');
  await device.packet('connack');
  expect(silent.every(({ socket }) => socket.destroyed)).toBe(true);
});

test('connections above the rate of their address are closed before TLS and counted; other addresses come in', async () => {
  stand = await startStand({ env: { IOT_CONNECTIONS_PER_SECOND_PER_ADDRESS: '5' } });
  const flood = await silentFrom('127.0.0.66', 40);
  await vi.waitFor(async () => expect(await refusals('address-rate')).toBeGreaterThanOrEqual(25));
  await vi.waitFor(() => expect(flood.filter(({ socket }) => socket.destroyed).length).toBeGreaterThanOrEqual(25));
  await healthy();
  expect(await refusals('handshake-rate')).toBe(0);
});

test('connections above the limit are turned away before TLS', async () => {
  stand = await startStand({ env: { IOT_MAX_CONNECTIONS: '2' } });
  await stand.connect('sensor-1');
  await stand.connect('sensor-2');
  const third = await rawTls(stand, await stand.authority.device('sensor-3'));
  await third.gone;
  expect(await refusals('full')).toBe(1);
});

test('a flood above the device rate is slowed, not dropped', async () => {
  stand = await startStand({ env: { IOT_DEVICE_MESSAGES_PER_SECOND: '50' } });
  const client = await stand.connect('sensor-1');
  const began = performance.now();
  await Promise.all(
    Array.from({ length: 130 }, (_, n) => client.publishAsync('/devices/sensor-1/events', `{"n":${n}}`, { qos: 1 })),
  );
  // A second flood meets the debt of the first.
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => client.publishAsync('/devices/sensor-1/events', `{"n":${n}}`, { qos: 1 })),
  );
  expect(stand.bus.stored).toHaveLength(150);
  expect(performance.now() - began).toBeGreaterThan(500); // at least the debt of 30 messages at 50 a second
});
