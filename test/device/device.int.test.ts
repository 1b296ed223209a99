import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createDevice, type DeviceOptions } from '../../runtime/device/device.ts';
import type { Credentials } from '../../runtime/device/enrol.ts';
import type { DeviceReading } from '../../runtime/device/reading.ts';
import { mutualTls } from '../../runtime/device/session.ts';
import { freePort } from '../support/ports.ts';
import { startBroker } from './support/broker.ts';
import { testAuthority } from './support/pki.ts';

let authority: Awaited<ReturnType<typeof testAuthority>>;
let dir: string;
beforeAll(async () => {
  authority = await testAuthority();
  dir = await mkdtemp(join(tmpdir(), 'iot-test-device-'));
});
afterAll(async () => {
  await authority.remove();
  await rm(dir, { recursive: true, force: true });
});

const quick = { baseMs: 20, maxMs: 200 };

async function broker(onPublish: (topic: string, payload: string) => boolean = () => true) {
  const port = await freePort();
  const started = await startBroker({ port, credentials: await authority.server(), onPublish });
  onTestFinished(() => started.close());
  return { port, ...started };
}

async function device(id: string, port: number, more: Partial<DeviceOptions> = {}) {
  const problems: string[] = [];
  const created = createDevice({
    id,
    mqtt: { host: '127.0.0.1', port },
    ...(await authority.device(id)),
    backoff: quick,
    onProblem: (problem) => problems.push(problem),
    ...more,
  });
  onTestFinished(() => created.stop(0).then(() => undefined));
  return { device: created, problems };
}

/** Starts a support script and hands it its settings; the promise of a line comes with it. */
function child(script: string, settings: unknown) {
  const process_: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'support', script)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void process_.kill('SIGKILL'));
  process_.stdin?.write(`${JSON.stringify(settings)}\n`);
  const lines: string[] = [];
  const reader = createInterface({ input: process_.stdout as NonNullable<typeof process_.stdout> });
  const until = (wanted: string) =>
    new Promise<void>((resolve, reject) => {
      reader.on('line', (line) => {
        lines.push(line);
        if (line === wanted) resolve();
      });
      process_.once('exit', () => reject(new Error(`${script} ended before it said '${wanted}'`)));
    });
  return { process: process_, lines, until };
}

test('TLS sessions are resumed, and the gateway still sees whose certificate it is', async () => {
  const { port, connections, cut } = await broker();
  const connects: boolean[] = [];
  const { device: d } = await device('dev-resume', port, { onConnect: ({ resumed }) => connects.push(resumed) });
  d.start();
  d.report({ t: 1 });
  await vi.waitFor(() => expect(d.stats.acknowledged).toBe(1), 10_000);
  cut();
  d.report({ t: 2 });
  await vi.waitFor(() => expect(d.stats.acknowledged).toBe(2), 10_000);
  expect(connections).toEqual([
    { reused: false, commonName: 'dev-resume' },
    { reused: true, commonName: 'dev-resume' },
  ]);
  expect(connects).toEqual([false, true]);
  expect(d.stats).toMatchObject({ connects: 2, resumed: 1 });
});

test('a message that the gateway took and did not acknowledge comes again with the same ts and seq', async () => {
  const taken: DeviceReading[] = [];
  const { port } = await broker((_topic, payload) => taken.push(JSON.parse(payload) as DeviceReading) > 1);
  const { device: d } = await device('dev-resend', port);
  d.start();
  const reading = d.report({ t: 1 });
  await vi.waitFor(() => expect(d.stats.acknowledged).toBe(1), 10_000);
  expect(taken).toEqual([reading, reading]);
  expect(d.stats.resent).toBe(1);
});

test('every acknowledged reading is with a broker that was killed again and again, and none is left behind', async () => {
  const port = await freePort();
  const file = join(dir, 'killed-broker');
  const settings = { port, credentials: await authority.server(), file };
  const acked: number[] = [];
  const { device: d } = await device('dev-killed', port, { onAck: (r) => acked.push(r.seq), window: 8 });
  d.start();
  let reported = 0;
  const pump = setInterval(() => {
    d.report({ n: reported++ });
  }, 2);
  for (let round = 1; round <= 3; round++) {
    const started = child('broker-process.ts', settings);
    await started.until('ready');
    await vi.waitFor(() => expect(acked.length).toBeGreaterThan(60 * round), 20_000);
    started.process.kill('SIGKILL');
    await once(started.process, 'exit');
  }
  clearInterval(pump);
  const last = child('broker-process.ts', settings);
  await last.until('ready');
  await vi.waitFor(() => expect(d.stats.waiting).toBe(0), 20_000);
  const stored = readFileSync(file, 'utf8').trim().split('\n');
  const unique = new Set(stored.map((line) => (JSON.parse(line) as DeviceReading).seq));
  expect(acked.length).toBe(reported);
  expect([...unique].sort()).toEqual([...acked].sort());
}, 60_000);

test('readings on disk outlive a killed device process and go out with the same numbers', async () => {
  const port = await freePort();
  const file = join(dir, 'killed-device-received');
  const journal = join(dir, 'killed-device-journal');
  const credentials = await authority.device('dev-disk');
  const mqtt = { host: '127.0.0.1', port };
  const first = child('device-process.ts', { id: 'dev-disk', mqtt, ...credentials, buffer: { file: journal } });
  await first.until('reported');
  first.process.kill('SIGKILL');
  await once(first.process, 'exit');
  const reported = first.lines.filter((line) => line !== 'reported').map(Number);
  expect(reported).toHaveLength(500);
  expect(existsSync(file)).toBe(false);

  const up = child('broker-process.ts', { port, credentials: await authority.server(), file });
  await up.until('ready');
  const { device: second } = await device('dev-disk', port, { ...credentials, buffer: { file: journal } });
  second.start();
  expect(second.report({ i: 500 }).seq).toBe(500);
  await vi.waitFor(() => expect(second.stats.waiting).toBe(0), 20_000);
  const received = readFileSync(file, 'utf8').trim().split('\n');
  const numbers = received.map((line) => (JSON.parse(line) as DeviceReading).seq);
  expect(numbers).toEqual([...reported, 500]);
});

test('config and commands arrive', async () => {
  const { port, publish } = await broker();
  const heard: string[] = [];
  const { device: d } = await device('dev-down', port, {
    onConfig: ({ desired }) => heard.push(`config ${JSON.stringify(desired)}`),
    onCommand: ({ name, payload }) => void heard.push(`${name} ${payload}`),
  });
  d.start();
  await vi.waitFor(() => expect(d.connected).toBe(true), 10_000);
  await publish('/devices/dev-down/config', '{"version":1,"updatedAt":"","desired":{}}');
  await publish('/devices/dev-down/commands/open', '{"id":"c-1","deadline":1,"payload":1}');
  await vi.waitFor(() => expect(heard).toEqual(['config {}', 'open 1']), 10_000);
});

const target = (port: number) => ({
  host: '127.0.0.1',
  port,
  clientId: 'dev-attempt',
  keepaliveSeconds: 60,
  timeoutMs: 300,
  subscriptions: [],
});
const noEvents = {
  onMessage: () => undefined,
  onEnd: () => expect.unreachable('onEnd before the connection was open'),
};
const attempt = (credentials: Credentials, port: number) => mutualTls(credentials)(target(port), noEvents);

test('an attempt always settles: nobody listens, silence instead of TLS, TLS dropped at once', async () => {
  const credentials = await authority.device('dev-attempt');
  await expect(attempt(credentials, await freePort())).rejects.toThrow('ECONNREFUSED');

  const mute = createServer((socket) => socket.on('error', () => socket.destroy()));
  const port = await freePort();
  await new Promise<void>((resolve) => mute.listen(port, '127.0.0.1', resolve));
  await expect(attempt(credentials, port)).rejects.toThrow('not connected within 300 ms');
  mute.close();

  const rude = createServer((socket) => socket.destroy());
  const rudePort = await freePort();
  await new Promise<void>((resolve) => rude.listen(rudePort, '127.0.0.1', resolve));
  await expect(attempt(credentials, rudePort)).rejects.toThrow('dev-attempt: no connection to 127.0.0.1');
  rude.close();
});

test('a gateway of another authority is not trusted', async () => {
  const other = await testAuthority();
  onTestFinished(() => other.remove());
  const { port } = await broker();
  const credentials = { ...(await authority.device('dev-attempt')), ca: other.trust };
  await expect(attempt(credentials, port)).rejects.toThrow(/self-signed|unable to (get|verify)/);
});
