import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import type { IClientOptions, MqttClient } from 'mqtt';
import { afterEach, describe, expect, test } from 'vitest';
import { factorySerial } from '../../runtime/platform/tls/device-certificate.ts';
import { type KeyAndCert, testAuthority } from '../support/certificates.ts';
import { rawTls } from './raw.ts';
import { closed, type Stand, startStand } from './stand.ts';

/** Devices that come in by JWT, or by a maker's certificate, with a stock MQTT client over real TLS. */
let stand: Stand;
afterEach(() => stand.stop());

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyOf = (id: string) => ({
  id,
  algorithm: 'ES256',
  spki: keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  expiresAt: null,
});
const token = (aud = 'acme-project', more: Record<string, unknown> = {}) =>
  new SignJWT({ aud, ...more })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(keys.privateKey);
const allow = (jwt = true) =>
  stand.devices.push({ change: 'device-access', device: '', serial: null, data: { jwt, audiences: ['acme-project'] } });
const giveKeys = (...ids: string[]) =>
  stand.devices.push({ change: 'keys', device: 'sensor-1', serial: null, data: { keys: ids.map(keyOf) } });
const heard = () => until(() => stand.metric('iot_gateway_identity_version'), stand.devices.changes.length);
async function until(ask: () => Promise<number>, least: number): Promise<void> {
  while ((await ask()) < least) await new Promise((resolve) => setTimeout(resolve, 20));
}
const longId = 'projects/acme-project/locations/europe-west1/registries/main/devices/sensor-1';
const byToken = async (options: IClientOptions = {}, id = 'sensor-1'): Promise<MqttClient> =>
  stand.connect(id, { identity: {} as never, username: 'unused', password: await token(), ...options });
const start = async () => {
  stand = await startStand({ parts: { intervals: { identityMs: 50 } } });
};

/** Turned away at the end of the handshake, before MQTT. */
const turnedAway = async (identity: KeyAndCert | undefined, id = 'sensor-1') => {
  const device = await rawTls(stand, identity);
  const who = { clientId: id, username: 'unused', password: Buffer.from(await token()) };
  device.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60, ...who });
  await device.gone;
  expect(device.count('connack')).toBe(0);
};

describe('JWT', () => {
  test.each(['sensor-1', longId])('client id %s: let in, and what it sends is its own', async (clientId) => {
    await start();
    allow();
    giveKeys('k1');
    await heard();
    const client = await byToken({ clientId });
    await client.publishAsync('/devices/sensor-1/events', '{"n":1}', { qos: 1 });
    expect(stand.bus.stored[0]?.attributes).toMatchObject({ tenant: 'main', device: 'sensor-1' });
  });

  test('not where the tenant does not allow it; when it does no more, sessions end', async () => {
    await start();
    giveKeys('k1');
    await heard();
    await turnedAway(undefined);
    allow();
    await heard();
    const client = await byToken();
    const ended = closed(client);
    allow(false);
    await ended;
    await turnedAway(undefined);
  });

  test('a bad certificate is refused, also with a good JWT; a good one needs none', async () => {
    await start();
    allow();
    giveKeys('k1');
    await heard();
    const foreign = await (await testAuthority('foreign')).device('sensor-1');
    await turnedAway(foreign);
    const expired = await stand.authority.device('sensor-1', { notBefore: -7_200_000, notAfter: -3_600_000 });
    await turnedAway(expired);
    await stand.connect('sensor-1', { password: 'nonsense', username: 'x' });
  });

  test.each([
    ['another audience', () => token('other-project')],
    ['no password', async () => ''],
    ['a word', async () => 'secret'],
  ])('refused with CONNACK 4: %s', async (_, password) => {
    await start();
    allow();
    giveKeys('k1');
    await heard();
    await expect(byToken({ password: await password() })).rejects.toMatchObject({ code: 4 });
    await expect(byToken({ clientId: 'sensor-2' }, 'sensor-2')).rejects.toMatchObject({ code: 4 });
  });

  test('blocking ends the session and keeps it out; so does removing its key, while another one opens', async () => {
    await start();
    allow();
    giveKeys('k1');
    await heard();
    const first = await byToken();
    const blockedEnd = closed(first);
    stand.devices.add('sensor-1', 'blocked');
    await blockedEnd;
    await expect(byToken()).rejects.toMatchObject({ code: 5 });
    stand.devices.add('sensor-1', 'unblocked');
    await heard();
    const second = await byToken();
    const removedEnd = closed(second);
    giveKeys();
    await removedEnd;
    await expect(byToken()).rejects.toMatchObject({ code: 4 });
  });

  test('the devices service away: who has a key comes in from the snapshot', async () => {
    await start();
    allow();
    giveKeys('k1');
    await heard();
    const { stateDir } = stand;
    await until(
      async () => ((await readFile(join(stateDir, 'credentials.json'), 'utf8').catch(() => '')).includes('k1') ? 1 : 0),
      1,
    );
    await until(
      async () =>
        (await readFile(join(stateDir, 'identities.json'), 'utf8').catch(() => '')).includes('"version":2') ? 1 : 0,
      1,
    );
    const away = stand;
    stand = await startStand({
      stateDir,
      devices: Object.assign(Object.create(away.devices), { url: 'http://127.0.0.1:9', stop: async () => undefined }),
    });
    await byToken();
    await away.stop();
  });
});

describe("a maker's certificate", () => {
  const trust = (maker: { cert: string }, status: 'active' | 'disabled' = 'active', id = 'f'.repeat(40)) =>
    stand.devices.push({
      change: 'factory-authority',
      device: '',
      serial: id,
      data: { status, certificate: maker.cert, devicePrefix: 'mk-' },
    });
  const serialOf = (cert: string) => factorySerial(new X509Certificate(cert));
  const registers = () => {
    const asked: string[] = [];
    stand.devices.enrol = (certificate) => {
      asked.push(certificate);
      const { subject } = new X509Certificate(certificate);
      const device = /CN=(.*)/.exec(subject)?.[1] ?? '';
      stand.devices.push({
        change: 'factory-certificate',
        device,
        serial: serialOf(certificate),
        data: { authority: 'f'.repeat(40) },
      });
      return { status: 200, body: { tenant: 'main', device, serial: serialOf(certificate), issued: null } };
    };
    return asked;
  };

  test('registers its device at the first connection, and is not asked about again; disabling the CA ends it', async () => {
    await start();
    const maker = await testAuthority('Maker');
    const identity = await maker.device('mk-1', { tenant: 'whatever' });
    await turnedAway(identity, 'mk-1');
    trust(maker);
    const asked = registers();
    await heard();
    const client = await stand.connect('mk-1', { identity });
    await client.publishAsync('/devices/mk-1/events', '1', { qos: 1 });
    expect(stand.bus.stored[0]?.attributes).toMatchObject({ tenant: 'main', device: 'mk-1' });
    await heard();
    await stand.connect('mk-1', { identity });
    expect(asked).toHaveLength(1);
    const ended = closed(await stand.connect('mk-1', { identity }));
    trust(maker, 'disabled');
    await ended;
    await turnedAway(identity, 'mk-1');
  });

  test("is never another tenant's device, nor one of ours, whatever names it has", async () => {
    await start();
    const maker = await testAuthority('test authority'); // the name of our own
    trust(maker);
    registers();
    await heard();
    await stand.connect('sensor-1'); // ours still come in
    for (const id of ['sensor-1', 'mk/1']) {
      const identity = await maker.device(id, { tenant: 'main' });
      await turnedAway(identity, id);
    }
    const server = await maker.device('mk-2', { usage: 'serverAuth' });
    await turnedAway(server, 'mk-2');
    const expired = await maker.device('mk-2', { notBefore: -7_200_000, notAfter: -3_600_000 });
    await turnedAway(expired, 'mk-2');
  });

  test('is refused with the reason of the devices service, and told to come back while that is away', async () => {
    await start();
    const maker = await testAuthority('Maker');
    trust(maker);
    await heard();
    const identity = await maker.device('mk-1');
    await expect(stand.connect('mk-1', { identity })).rejects.toMatchObject({ code: 3 });
    stand.devices.enrol = () => ({ status: 409, body: { title: 'Device exists', detail: 'it is registered already' } });
    await expect(stand.connect('mk-1', { identity })).rejects.toMatchObject({ code: 5 });
  });

  test('that is revoked stays out, and no other certificate with its number does', async () => {
    await start();
    const maker = await testAuthority('Maker');
    trust(maker);
    registers();
    await heard();
    const ours = await stand.authority.device('sensor-1');
    const same = await maker.device('mk-1', { serial: ours.serial });
    const client = await stand.connect('mk-1', { identity: same });
    const ended = closed(client);
    stand.devices.add('mk-1', 'certificate-revoked', serialOf(same.cert));
    await ended;
    await expect(stand.connect('mk-1', { identity: same })).rejects.toMatchObject({ code: 5 });
    await stand.connect('sensor-1', { identity: ours });
  });
});
