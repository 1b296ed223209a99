import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Listener } from '../../runtime/gateway/listener.ts';
import { ticketPeriodMs as hour } from '../../runtime/gateway/ticket-keys.ts';
import { readTlsFiles } from '../../runtime/gateway/tls-files.ts';
import { type KeyAndCert, type TestAuthority, testAuthority } from '../support/certificates.ts';
import { freePort } from '../support/ports.ts';
import { writeTls } from './stand.ts';

const limits = {
  maxConnections: 100,
  perSecond: 1_000,
  inProgress: 64,
  inProgressPerAddress: 48,
  connectionsPerSecondPerAddress: 1_000,
  handshakeTimeoutMs: 5_000,
};
const noon = 490_000 * hour;

let authority: TestAuthority;
let device: KeyAndCert;
let folder: string;
const open: Listener[] = [];

beforeAll(async () => {
  authority = await testAuthority();
  device = await authority.device('sensor-1');
  folder = await mkdtemp(join(tmpdir(), 'iot-test-tickets-'));
  await writeTls(folder, await authority.server(), authority.cert);
});
afterEach(() => {
  for (const listener of open.splice(0)) {
    listener.stopAccepting();
    listener.destroyAll();
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const shared = randomBytes(32);

/** A gateway's port: what a pod has, with a clock of its own. */
async function listening(secret: Buffer | 'its own' = shared) {
  const ticketSecret = secret === 'its own' ? undefined : secret;
  const clock = { now: noon };
  const files = { ...(await readTlsFiles(folder)), ticketSecret };
  const listener = new Listener(
    files,
    limits,
    {
      onConnection: (socket) => socket.on('error', () => undefined),
      onFailed: () => undefined,
      onTurnedAway: () => undefined,
    },
    () => clock.now,
  );
  const port = await freePort();
  await listener.listen(port, '127.0.0.1');
  open.push(listener);
  return { listener, files, clock, port };
}

/** One connection of the device: whether it resumed, and the ticket for the next. */
async function visit(port: number, maxVersion: 'TLSv1.2' | 'TLSv1.3', session?: Buffer) {
  const socket: TLSSocket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.cert,
    key: device.key,
    cert: device.cert,
    maxVersion,
    ...(session === undefined ? {} : { session }),
  });
  const ticket = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  socket.resume(); // a ticket of TLS 1.3 comes after the handshake, and is read like data
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const resumed = socket.isSessionReused();
  // TLS 1.2 has the new ticket in its handshake, and tells of it by no event on a resumed session.
  const fresh = maxVersion === 'TLSv1.3' ? await ticket : (socket.getSession() as Buffer);
  socket.destroy();
  return { resumed, ticket: fresh };
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: a device resumes at another gateway with the same secret',
  async (tls) => {
    const [first, second, stranger] = [await listening(), await listening(), await listening(randomBytes(32))];
    const { ticket } = await visit(first.port, tls);
    expect((await visit(second.port, tls, ticket)).resumed).toBe(true);
    expect((await visit(stranger.port, tls, ticket)).resumed).toBe(false);
  },
);

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: a ticket opens in its hour and the two after it; one taken up late is followed by a new one',
  async (tls) => {
    const gateway = await listening();
    const { ticket } = await visit(gateway.port, tls);
    gateway.clock.now = noon + 2 * hour;
    const late = await visit(gateway.port, tls, ticket);
    expect(late.resumed).toBe(true);
    gateway.clock.now = noon + 3 * hour;
    expect((await visit(gateway.port, tls, ticket)).resumed).toBe(false);
    expect((await visit(gateway.port, tls, late.ticket)).resumed).toBe(true);
  },
);

test('a pod whose clock is an hour behind takes the tickets of the others', async () => {
  const [ahead, behind] = [await listening(), await listening()];
  ahead.clock.now = noon + hour;
  const { ticket } = await visit(ahead.port, 'TLSv1.3');
  expect((await visit(behind.port, 'TLSv1.3', ticket)).resumed).toBe(true);
});

test('without a secret in the folder a gateway has one of its own, kept when its certificate is renewed', async () => {
  const gateway = await listening('its own');
  const { ticket } = await visit(gateway.port, 'TLSv1.3');
  gateway.listener.reload({ ...(await readTlsFiles(folder)), ticketSecret: undefined });
  expect((await visit(gateway.port, 'TLSv1.3', ticket)).resumed).toBe(true);
  expect((await visit((await listening('its own')).port, 'TLSv1.3', ticket)).resumed).toBe(false);
});

test('a new secret ends the tickets of the old one, and no connection', async () => {
  const gateway = await listening();
  const { ticket } = await visit(gateway.port, 'TLSv1.3');
  gateway.listener.reload({ ...gateway.files, ticketSecret: randomBytes(32) });
  expect((await visit(gateway.port, 'TLSv1.3', ticket)).resumed).toBe(false);
});

test('a secret of another length is refused by name', async () => {
  await writeFile(join(folder, 'ticket.secret'), randomBytes(48));
  await expect(readTlsFiles(folder)).rejects.toThrow(/ticket\.secret has 48 bytes, allowed are 32/);
  await rm(join(folder, 'ticket.secret'));
});
