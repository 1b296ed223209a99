import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { MqttClient } from 'mqtt';
import { afterEach, expect, test } from 'vitest';
import { type KeyAndCert, selfSigned, testAuthority } from '../support/certificates.ts';
import { rawTls } from './raw.ts';
import { closed, FakeDevices, type Stand, startStand, writeTls } from './stand.ts';

let stand: Stand;
afterEach(() => stand.stop());

const hour = 3_600_000;
const certificates: [string, (s: Stand) => Promise<KeyAndCert | undefined>][] = [
  ['no certificate', async () => undefined],
  ['one of a foreign authority', async () => (await testAuthority('foreign')).device('sensor-1')],
  ['one of a foreign authority with the same name', async () => (await testAuthority()).device('sensor-1')],
  ['a self-signed one', () => selfSigned('sensor-1')],
  ['an expired one', (s) => s.authority.device('sensor-1', { notBefore: -2 * hour, notAfter: -hour })],
  ['one not valid yet', (s) => s.authority.device('sensor-1', { notBefore: hour, notAfter: 2 * hour })],
  ['one for servers', (s) => s.authority.device('sensor-1', { usage: 'serverAuth' })],
  ['one without extended key usage', (s) => s.authority.device('sensor-1', { usage: 'none' })],
  ['one with a tenant that is none', (s) => s.authority.device('sensor-1', { tenant: 'Not A Tenant' })],
  ['one whose organisation tries to add a name', (s) => s.authority.device('sensor-1', { tenant: 'main\\0AO=other' })],
  ['one whose device id could be a topic', (s) => s.authority.device('sensor/1')],
];

test.each(certificates)('refused: %s', async (_, make) => {
  stand = await startStand();
  const device = await rawTls(stand, await make(stand));
  device.hello('sensor-1');
  await device.gone;
  expect(device.count('connack')).toBe(0);
  expect(await stand.metric('iot_gateway_connections')).toBe(0);
});

test.each([
  ['sensor-1', 0],
  ['projects/acme/locations/europe-west1/registries/main/devices/sensor-1', 0],
  ['sensor-2', 2],
  ['projects/acme/locations/europe-west1/registries/main/devices/sensor-2', 2],
  ['', 2],
  ['main/sensor-1', 2],
])('client id %j with the certificate of sensor-1: return code %d', async (clientId, returnCode) => {
  stand = await startStand();
  const device = await rawTls(stand, await stand.authority.device('sensor-1'));
  device.hello(clientId);
  expect(await device.packet('connack')).toMatchObject({ returnCode });
  if (returnCode !== 0) await device.gone;
});

test.each(['a%2Fb', 'a.-_~%', `A${'x'.repeat(254)}`, `B${'%'.repeat(254)}`])(
  'every letter that a device id may have comes in with its certificate: %s',
  async (id) => {
    stand = await startStand();
    const client = await stand.connect(id);
    await client.publishAsync(`/devices/${id}/events`, '{}', { qos: 1 });
    expect(stand.bus.stored[0]?.attributes['device']).toBe(id);
  },
);

test('the same device id in two tenants: two devices', async () => {
  stand = await startStand();
  const identity = await stand.authority.device('sensor-1', { tenant: 'other' });
  const first = await stand.connect('sensor-1');
  const second = await stand.connect('sensor-1', { identity });
  expect(await stand.metric('iot_gateway_connections')).toBe(2);
  await first.publishAsync('/devices/sensor-1/events', '1', { qos: 1 });
  await second.publishAsync('/devices/sensor-1/events', '2', { qos: 1 });
  expect(stand.bus.stored.map((m) => m.attributes['tenant'])).toEqual(['main', 'other']);
});

test('a device that connects again takes over; the lifecycle events say so in order', async () => {
  stand = await startStand();
  const first = await stand.connect('sensor-1');
  const ended = closed(first);
  await stand.connect('sensor-1');
  await ended;
  await stand.lifecycle.until(() => stand.lifecycle.stored.length >= 3);
  const events = stand.lifecycle.stored.map((m) => JSON.parse(m.data.toString()));
  expect(events.map((e) => [e.event, e.reason])).toEqual([
    ['connected', undefined],
    ['disconnected', 'takeover'],
    ['connected', undefined],
  ]);
  expect(events[2].connection).toBeGreaterThan(events[0].connection);
  expect(events[1].connection).toBe(events[0].connection);
});

test('blocking a device ends its live session and keeps it out; unblocking lets it in', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1');
  const other = await stand.connect('sensor-2');
  const ended = closed(client);
  stand.devices.add('sensor-1', 'blocked');
  await ended;
  expect(other.connected).toBe(true);
  await expect(stand.connect('sensor-1')).rejects.toMatchObject({ code: 5 });
  stand.devices.add('sensor-1', 'unblocked');
  for (;;) {
    const answer = await stand.connect('sensor-1').catch(() => undefined);
    if (answer !== undefined) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

test('revoking a certificate ends the session that came in with it; a new certificate is let in', async () => {
  stand = await startStand();
  const identity = await stand.authority.device('sensor-1');
  const client = await stand.connect('sensor-1', { identity });
  const ended = closed(client);
  stand.devices.add('sensor-1', 'certificate-revoked', `00${identity.serial.toUpperCase()}`);
  await ended;
  await expect(stand.connect('sensor-1', { identity })).rejects.toMatchObject({ code: 5 });
  await stand.connect('sensor-1');
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: a resumed session with a revoked certificate is refused',
  async (maxVersion) => {
    stand = await startStand();
    const identity = await stand.authority.device('sensor-1');
    const first = await rawTls(stand, identity, { maxVersion });
    const ticket = new Promise<Buffer>((resolve) => (first.socket as TLSSocket).once('session', resolve));
    first.hello('sensor-1');
    await first.packet('connack');
    const session = (first.socket as TLSSocket).getSession() ?? (await ticket);
    const usable = maxVersion === 'TLSv1.3' ? await ticket : session;
    first.socket.end();
    await first.gone;
    const resumed = await rawTls(stand, identity, { session: usable, maxVersion });
    expect((resumed.socket as TLSSocket).isSessionReused()).toBe(true);
    resumed.hello('sensor-1');
    expect(await resumed.packet('connack')).toMatchObject({ returnCode: 0 });
    stand.devices.add('sensor-1', 'certificate-revoked', identity.serial);
    await resumed.gone;
    const again = await rawTls(stand, identity, { session: usable, maxVersion });
    expect((again.socket as TLSSocket).isSessionReused()).toBe(true);
    again.hello('sensor-1');
    expect(await again.packet('connack')).toMatchObject({ returnCode: 5 });
  },
);

test('the devices service away: devices come in, and the blocked stay out, from the snapshot', async () => {
  stand = await startStand();
  stand.devices.add('sensor-1', 'blocked');
  const { stateDir } = stand;
  for (;;) {
    const text = await readFile(join(stateDir, 'identities.json'), 'utf8').catch(() => '');
    if (text.includes('sensor-1')) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const away = new FakeDevices();
  const second = await startStand({ stateDir, devices: away });
  try {
    expect(second.gateway.health.notReady()).toEqual([]);
    await second.connect('sensor-2');
    await expect(second.connect('sensor-1')).rejects.toMatchObject({ code: 5 });
  } finally {
    await second.stop();
  }
});

test('without a snapshot and without the devices service: not ready, and nobody comes in', async () => {
  stand = await startStand({ devices: new FakeDevices() });
  expect(stand.gateway.health.notReady()).toEqual(['identities']);
  await expect(stand.connect('sensor-1')).rejects.toMatchObject({ code: 3 });
});

test('new TLS files are used at once and drop no session; a half-written rotation changes nothing', async () => {
  stand = await startStand();
  const client = await stand.connect('sensor-1');
  const served = async () => {
    const device = await rawTls(stand, await stand.authority.device('sensor-2'));
    const { serialNumber } = (device.socket as TLSSocket).getPeerCertificate();
    device.socket.destroy();
    return serialNumber.toLowerCase();
  };
  const before = await served();
  const next = await stand.authority.server();
  const other = await stand.authority.server();
  await writeTls(stand.tlsDir, { cert: next.cert, key: other.key }, stand.authority.cert);
  await new Promise((resolve) => setTimeout(resolve, 400)); // longer than the reload waits for the files to settle
  expect(await served()).toBe(before);
  await writeTls(stand.tlsDir, next, stand.authority.cert);
  while ((await served()) !== next.serial) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(before).not.toBe(next.serial);
  await client.publishAsync('/devices/sensor-1/events', '{}', { qos: 1 });
  expect(client.connected).toBe(true);
});

test('a new server certificate leaves the devices their resumption', async () => {
  stand = await startStand();
  const identity = await stand.authority.device('sensor-1');
  const first = await rawTls(stand, identity);
  const session = await new Promise<Buffer>((resolve) => (first.socket as TLSSocket).once('session', resolve));
  const next = await stand.authority.server();
  await writeTls(stand.tlsDir, next, stand.authority.cert);
  for (;;) {
    const probe = await rawTls(stand, identity);
    const { serialNumber } = (probe.socket as TLSSocket).getPeerCertificate();
    probe.socket.destroy();
    if (serialNumber.toLowerCase() === next.serial) break;
  }
  const again = await rawTls(stand, identity, { session });
  expect((again.socket as TLSSocket).isSessionReused()).toBe(true);
});

test('a session given out under an authority that is replaced does not resume', async () => {
  stand = await startStand();
  const identity = await stand.authority.device('sensor-1');
  const first = await rawTls(stand, identity);
  const session = await new Promise<Buffer>((resolve) => (first.socket as TLSSocket).once('session', resolve));
  const successor = await testAuthority('successor');
  await writeTls(stand.tlsDir, await stand.authority.server(), successor.cert);
  const newcomer = await successor.device('sensor-2');
  for (;;) {
    const attempt = await rawTls(stand, newcomer);
    attempt.hello('sensor-2');
    if ((await attempt.packet('connack').catch(() => undefined)) !== undefined) break;
  }
  const again = await rawTls(stand, identity, { session });
  again.hello('sensor-1');
  await again.gone;
  expect(again.count('connack')).toBe(0);
});

test('drain: held acknowledgements are given first, every session ends, the lifecycle says drain', async () => {
  stand = await startStand({ env: { IOT_DRAIN_SECONDS: '1' } });
  const clients: MqttClient[] = [];
  for (let i = 0; i < 10; i++) clients.push(await stand.connect(`sensor-${i}`));
  const holder = clients[0] as MqttClient;
  stand.bus.mode = 'silent';
  const published = holder.publishAsync('/devices/sensor-0/events', '{}', { qos: 1 });
  while (stand.bus.asked === 0) await new Promise(setImmediate);
  const order: number[] = [];
  const ended = clients.map((client, i) =>
    closed(client).then(() => {
      order.push(i);
      if (order.length === 9) stand.bus.release();
    }),
  );
  const stopped = stand.gateway.stop();
  expect(stand.gateway.health.notReady()).toContain('draining');
  await expect(stand.connect('late-1')).rejects.toThrow();
  await Promise.all([published, ...ended, stopped]);
  expect(order.at(-1)).toBe(0);
  const reasons = stand.lifecycle.stored.map((m) => JSON.parse(m.data.toString()).reason).filter(Boolean);
  expect(reasons).toEqual(Array.from({ length: 10 }, () => 'drain'));
});
