import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { renewalTime, retryPause } from '../../runtime/certificates/schedule.ts';
import { startCertificates } from '../../runtime/certificates/service.ts';
import { sharedTicketSecret } from '../../runtime/certificates/ticket-secret.ts';
import { deviceTrustPath } from '../../runtime/contracts/http/index.ts';
import { CertificatesSettings } from '../../runtime/contracts/settings/services.ts';
import { readTlsFiles } from '../../runtime/gateway/tls-files.ts';
import { connectGoogle } from '../../runtime/platform/google/google.ts';
import { openSecret } from '../../runtime/platform/google/secret.ts';
import { readSettings } from '../../runtime/platform/service/settings.ts';
import { type Stub, startStub } from '../api/harness.ts';
import { privateCaApi } from '../support/google/privateca.ts';
import { secretsApi } from '../support/google/secrets.ts';
import { type GoogleServer, refusal, startGoogle } from '../support/google/server.ts';
import { callingSettings } from '../support/identity.ts';
import { quietLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';

const pool = 'projects/my-project/locations/europe-west1/caPools/servers';
const ticketBox = 'projects/my-project/secrets/prod-session-tickets';
const deviceCa = '-----BEGIN CERTIFICATE-----\nZGV2aWNlcw==\n-----END CERTIFICATE-----\n';
let dir: string;
let google: GoogleServer;
let cas: Awaited<ReturnType<typeof privateCaApi>>;
let secrets: ReturnType<typeof secretsApi>;
let devices: Stub;
let running: Awaited<ReturnType<typeof startCertificates>> | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'iot-test-tls-'));
  cas = await privateCaApi();
  secrets = secretsApi([ticketBox]);
  google = await startGoogle([cas.api, secrets.api]);
  devices = await startStub();
  devices.answer = () => ({ status: 200, body: { authorities: [deviceCa] } });
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  await Promise.all([google.stop(), devices.stop(), rm(dir, { recursive: true, force: true })]);
});

async function start(names = 'mqtt.example.com,mqtt-2.example.com', folder = 'tls') {
  const settings = readSettings('certificates', CertificatesSettings, {
    IOT_INSTANCE: 'gateway-0',
    IOT_HEALTH_PORT: '1',
    IOT_TLS_DIR: join(dir, folder),
    IOT_SERVER_CA_POOL: pool,
    IOT_SERVER_NAMES: names,
    IOT_SERVER_CERTIFICATE_HOURS: '24',
    ...callingSettings('gateway'),
    IOT_DEVICES_URL: devices.url,
    IOT_GOOGLE_ENDPOINT: google.endpoint,
    IOT_TICKET_SECRET: ticketBox,
  });
  running = await startCertificates({ settings, log: quietLog, metrics: new Registry() });
  const started = running;
  return { ready: () => vi.waitFor(() => expect(started.health.notReady()).toEqual([]), { timeout: 10_000 }) };
}
const read = (name: string) => readFile(join(dir, 'tls', name), 'utf8');

describe("the gateway's TLS folder", () => {
  it('gets what the gateway reads: key, certificate with its chain, authorities of devices', async () => {
    await (await start()).ready();
    const asked = google.of('/certificates')[0]?.body as { pemCsr: string; lifetime: string };
    expect(asked.lifetime).toBe('86400s');
    const { context: files } = await readTlsFiles(join(dir, 'tls')); // the gateway's own reader: refuses a key that does not fit
    const leaf = new X509Certificate(files.cert as Buffer);
    expect(leaf.subjectAltName).toBe('DNS:mqtt.example.com, DNS:mqtt-2.example.com');
    expect(await read('devices-ca.pem')).toBe(deviceCa + (await read('root-ca.pem')));
    expect((await stat(join(dir, 'tls', 'server.key'))).mode & 0o007).toBe(0);
    expect((await readdir(join(dir, 'tls'))).filter((name) => name.endsWith('.new'))).toEqual([]);
    const [one] = devices.asked;
    expect([one?.url, one?.headers['x-iot-subject']]).toEqual([deviceTrustPath, 'service:certificates']);
  });

  it('serves a client that trusts the root, by name', async () => {
    await (await start()).ready();
    const { cert, key } = (await readTlsFiles(join(dir, 'tls'))).context;
    const server = createServer({ cert, key } as object, (socket) => socket.end('hello'));
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'mqtt-2.example.com',
      ca: await read('root-ca.pem'),
    });
    const said = await new Promise((resolve, reject) =>
      socket.once('data', (d) => resolve(String(d))).once('error', reject),
    );
    expect([said, socket.authorized]).toEqual(['hello', true]);
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('keeps its certificate over a restart, but not for other names', async () => {
    await (await start()).ready();
    const before = await read('server.pem');
    await running?.stop();
    await (await start()).ready();
    expect([await read('server.pem'), cas.signed()]).toEqual([before, 1]);
    await running?.stop();
    await (await start('other.example.com')).ready();
    expect(cas.signed()).toBe(2);
  });

  it('is not ready before both are there, and goes on trying: one certificate, however often asked', async () => {
    google.fail('/certificates', refusal(503, 'UNAVAILABLE'), 5);
    let answers = false;
    devices.answer = () => (answers ? { status: 200, body: { authorities: [] } } : { status: 503, body: {} });
    const { ready } = await start();
    expect(running?.health.notReady()).toEqual(['server certificate', "devices' authorities"]);
    await vi.waitFor(() => expect(running?.health.notReady()).toEqual(["devices' authorities"]), { timeout: 10_000 });
    answers = true;
    await ready();
    const ids = new Set(google.of('/certificates').map(({ query }) => query['requestId']));
    expect([ids.size, cas.signed()]).toEqual([1, 1]);
    expect(await read('devices-ca.pem')).toBe(await read('root-ca.pem'));
  });
});

describe('the secret of session tickets', () => {
  const written = async (folder = 'tls') => {
    await vi.waitFor(async () => expect(await readdir(join(dir, folder))).toContain('ticket.secret'), {
      timeout: 10_000,
    });
    return readFile(join(dir, folder, 'ticket.secret'));
  };

  it('is made by the first sidecar and taken by the next: both gateways have it', async () => {
    await (await start()).ready();
    const secret = await written();
    expect(secret).toHaveLength(32);
    expect((await stat(join(dir, 'tls', 'ticket.secret'))).mode & 0o007).toBe(0);
    await running?.stop();
    await (await start(undefined, 'second')).ready();
    expect(await written('second')).toEqual(secret);
    expect(secrets.versions(ticketBox)).toHaveLength(1);
  });

  it('does not hold up a gateway: ready while Secret Manager is away', async () => {
    google.fail('/secrets/', refusal(503, 'UNAVAILABLE'), 1_000);
    await (await start()).ready();
    expect((await readTlsFiles(join(dir, 'tls'))).ticketSecret).toBeUndefined();
  });

  it('of another length is refused by name and not written', async () => {
    const secret = openSecret(connectGoogle({ endpoint: google.endpoint }), ticketBox);
    await secret.add(Buffer.from('a passphrase'));
    await expect(sharedTicketSecret(secret, () => undefined)).rejects.toThrow(
      /IOT_TICKET_SECRET: version 1 has 12 bytes, needed are 32/,
    );
  });
});

describe('the schedule', () => {
  it('renews at two thirds of the life, never after three quarters', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 40),
        fc.integer({ min: 1, max: 2 ** 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (begins, life, random) => {
          const share = (renewalTime({ begins, ends: begins + life }, random) - begins) / life;
          expect(share).toBeGreaterThanOrEqual(0.6666);
          expect(share).toBeLessThanOrEqual(0.7501);
        },
      ),
    );
  });
  it('pauses grow and stay below a minute and a bit', () => {
    expect([1, 2, 3, 10, 1_000].map((failures) => retryPause(failures, 1))).toEqual([
      1_200, 2_200, 4_200, 60_200, 60_200,
    ]);
    expect(retryPause(9, 0)).toBe(200);
  });
});
