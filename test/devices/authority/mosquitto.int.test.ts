import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { Aedes } from 'aedes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicKeyOfCsr } from '../../../runtime/devices/authority/csr.ts';
import { leafValidity, newSerial } from '../../../runtime/devices/authority/issuance.ts';
import {
  ensureLocalAuthority,
  ensureServerCertificate,
  loadIssuer,
} from '../../../runtime/devices/authority/local-authority.ts';
import { newCsr } from '../../support/csr.ts';
import { freePort } from '../../support/ports.ts';

const run = promisify(execFile);
const installed = (process.env['PATH'] ?? '').split(delimiter).some((dir) => existsSync(join(dir, 'mosquitto_pub')));

/** Without the tool these are skipped by name; in CI they fail. */
describe.skipIf(!installed && process.env['CI'] === undefined)('mosquitto_pub (Debian: mosquitto-clients)', () => {
  let dir: string;
  let server: Server;
  let broker: Aedes;
  const subjects: unknown[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'iot-test-mosquitto-'));
    await ensureLocalAuthority(join(dir, 'ca'));
    await ensureServerCertificate(join(dir, 'ca'), join(dir, 'tls'), ['localhost', '127.0.0.1']);
    broker = await Aedes.createBroker();
    server = createServer(
      {
        key: await readFile(join(dir, 'tls', 'server.key')),
        cert: await readFile(join(dir, 'tls', 'server.pem')),
        ca: await readFile(join(dir, 'tls', 'devices-ca.pem')),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket: TLSSocket) => {
        subjects.push(socket.getPeerCertificate().subject);
        broker.handle(socket);
      },
    );
    server.on('tlsClientError', () => undefined); // refused clients are what two tests are about
    server.listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    const { csr, key } = await newCsr();
    const issuer = await loadIssuer(join(dir, 'ca'));
    const issued = await issuer.issue({
      tenant: 'main',
      device: 'sensor-1',
      serial: newSerial((n) => crypto.getRandomValues(new Uint8Array(n))),
      ...leafValidity(90, Date.now(), issuer.notAfter),
      publicKey: await publicKeyOfCsr(csr),
    });
    await writeFile(join(dir, 'cert.pem'), issued.certificate);
    await writeFile(join(dir, 'key.pem'), key);
    await writeFile(join(dir, 'ca.pem'), issuer.trust);
  });
  afterAll(async () => {
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    server.close();
    await rm(dir, { recursive: true, force: true });
  });

  const publish = (host: string, identity: [string, string] | []) =>
    run('mosquitto_pub', [
      ...['-h', host, '-p', String((server.address() as AddressInfo).port), '--cafile', join(dir, 'ca.pem')],
      ...(identity.length === 0 ? [] : ['--cert', join(dir, identity[0]), '--key', join(dir, identity[1])]),
      ...['-i', 'sensor-1', '-q', '1', '-t', '/devices/sensor-1/events', '-m', '{"temperature":21.5}'],
    ]);

  it.each(['localhost', '127.0.0.1'])('publishes to %s with a device certificate', async (host) => {
    await publish(host, ['cert.pem', 'key.pem']);
    expect(subjects.at(-1)).toEqual({ O: 'main', CN: 'sensor-1' });
  });

  it('is refused without a certificate', async () => {
    await expect(publish('localhost', [])).rejects.toThrow();
  });

  it("is refused with the server's own certificate: it is of the same root, for servers", async () => {
    const before = subjects.length;
    await expect(publish('localhost', ['tls/server.pem', 'tls/server.key'])).rejects.toThrow();
    expect(subjects).toHaveLength(before);
  });
});
