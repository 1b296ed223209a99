import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { enrol } from '../../runtime/device/enrol.ts';
import type { DeviceReading } from '../../runtime/device/reading.ts';
import { ApiError, createFleetApi } from '../../runtime/simulator/api.ts';
import { createCredentialStore } from '../../runtime/simulator/credentials.ts';
import { createFleet } from '../../runtime/simulator/fleet.ts';
import { fleetOf } from '../../runtime/simulator/kinds.ts';
import { hashValues, openLedger, parseLedger } from '../../runtime/simulator/ledger.ts';
import { startBroker } from '../device/support/broker.ts';
import { testAuthority } from '../device/support/pki.ts';
import { quietLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { type Seen, stubApi } from './support/stub-api.ts';

let authority: Awaited<ReturnType<typeof testAuthority>>;
let dir: string;
beforeAll(async () => {
  authority = await testAuthority();
  dir = await mkdtemp(join(tmpdir(), 'iot-test-fleet-'));
});
afterAll(async () => {
  await authority.remove();
  await rm(dir, { recursive: true, force: true });
});

const client = { id: 'sim', secret: 'not-a-secret' };

/** Answers like the API; `fault` may answer first. */
async function api(fault: (seen: Seen) => { status: number; body?: unknown } | undefined = () => undefined) {
  const stub = await stubApi(async (seen) => {
    const faulty = fault(seen);
    if (faulty !== undefined) return faulty;
    if (seen.path === '/oauth/token') return { status: 200, body: { access_token: 'token-1', expires_in: 900 } };
    const device = /^\/v1\/devices\/([^/]+)\/certificates$/.exec(seen.path)?.[1];
    if (device !== undefined) {
      const certificate = await authority.sign(device, (JSON.parse(seen.body) as { csr: string }).csr);
      return { status: 201, body: { certificate, chain: authority.chain, ca: authority.trust } };
    }
    if (seen.method === 'GET') return { status: 404 };
    return { status: seen.method === 'POST' ? 201 : 200 };
  });
  onTestFinished(() => stub.close());
  return stub;
}

test('a fleet registers types and devices, enrols, reports, keeps a ledger, and starts again from its keys', async () => {
  const received: { topic: string; reading: DeviceReading }[] = [];
  const states = new Set<string>();
  const port = await freePort();
  const broker = await startBroker({
    port,
    credentials: await authority.server(),
    onPublish: (topic, payload) =>
      topic.includes('/events')
        ? received.push({ topic, reading: JSON.parse(payload) as DeviceReading }) > 0
        : states.add(`${topic} ${JSON.stringify((JSON.parse(payload) as { reported: unknown }).reported)}`).size > 0,
  });
  onTestFinished(() => broker.close());
  let refusals = 0;
  const stub = await api((seen) =>
    seen.path.endsWith('/certificates') && refusals++ < 3 ? { status: 503 } : undefined,
  );
  const path = join(dir, 'credentials');
  const credentials = createCredentialStore(path);
  await credentials.prepare();
  const run = async (ledgerFile: string) => {
    const ledger = openLedger(ledgerFile);
    let acked = 0;
    const fleet = createFleet({
      members: fleetOf(6),
      api: createFleetApi({ api: stub.url, client }),
      apiUrl: stub.url,
      mqtt: { host: '127.0.0.1', port },
      ca: authority.trust,
      credentials,
      messagesPerMinute: 600,
      ledger,
      log: quietLog,
      onAck: () => acked++,
      onDrop: () => expect.unreachable('nothing is given up'),
    });
    const { enrolled } = await fleet.start();
    await enrolled;
    await vi.waitFor(() => expect(acked).toBeGreaterThan(24), 20_000);
    await vi.waitFor(() => expect(fleet.connected).toBe(6), 20_000);
    await fleet.stop();
    ledger.close();
    return parseLedger(await readFile(ledgerFile, 'utf8'));
  };

  const entries = await run(join(dir, 'ledger-1'));
  expect(entries.length).toBeGreaterThan(24);
  const owed = new Set(entries.map((e) => `${e.device} ${e.ts} ${e.seq} ${e.hash}`));
  const there = received.map(
    ({ topic, reading: r }) => `${topic.split('/')[2]} ${r.ts} ${r.seq} ${hashValues(r.values)}`,
  );
  expect([...owed].filter((line) => !there.includes(line))).toEqual([]);
  expect([...states].sort()).toHaveLength(6);
  expect(states).toContain('/devices/sim-thermostat-00001/state {"kind":"sim-thermostat","interval":0.1}');
  expect(
    stub.seen
      .filter((s) => s.method === 'PUT')
      .map((s) => s.path)
      .sort(),
  ).toEqual([
    '/v1/device-types/sim-air-quality',
    '/v1/device-types/sim-cold-chain',
    '/v1/device-types/sim-electricity-meter',
    '/v1/device-types/sim-thermostat',
  ]);
  expect(stub.seen.filter((s) => s.path !== '/oauth/token').every((s) => s.authorization === 'Bearer token-1')).toBe(
    true,
  );
  const key = join(path, 'sim-thermostat-00001.json');
  expect((await stat(key)).mode & 0o777).toBe(0o600);

  const before = stub.seen.filter((s) => s.path.endsWith('/certificates')).length;
  await run(join(dir, 'ledger-2'));
  expect(stub.seen.filter((s) => s.path.endsWith('/certificates')).length).toBe(before);
}, 60_000);

test('requests that may pass are tried again, one token serves many, refusals are told with the answer', async () => {
  let asked = 0;
  const stub = await api((seen) => {
    if (seen.path === '/v1/devices' && asked++ < 2) return { status: 429 };
    if (seen.path === '/v1/device-types/sim-thermostat') return { status: 422, body: { detail: 'no such unit' } };
    return undefined;
  });
  const fleetApi = createFleetApi({ api: stub.url, client, random: () => 0 });
  await Promise.all([fleetApi.ensureDevice({ id: 'dev-1' }), fleetApi.ensureDevice({ id: 'dev-2' })]);
  const tokens = stub.seen.filter((s) => s.path === '/oauth/token');
  expect(tokens).toHaveLength(1);
  expect(tokens[0]?.authorization).toBe(`Basic ${Buffer.from('sim:not-a-secret').toString('base64')}`);
  const refused = fleetApi.deviceTypeExists('sim-thermostat');
  await expect(refused).rejects.toThrow(/GET .*sim-thermostat: 422 .*no such unit/);
  await expect(refused).rejects.toBeInstanceOf(ApiError);
});

test('enrolment tells what the API said', async () => {
  const stub = await api(() => ({ status: 409, body: { title: 'device is blocked' } }));
  const refused = enrol({ deviceId: 'dev-1', api: stub.url, token: async () => 'x' });
  await expect(refused).rejects.toThrow(
    'dev-1: the API refused the certificate request: 409 {"title":"device is blocked"}',
  );
});
