import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

/** docs/how-to/twin-and-commands.md as a reader follows it: its commands, in its order, through the whole platform. */
const page = fileURLToPath(new URL('../../docs/how-to/twin-and-commands.md', import.meta.url));
const cli = fileURLToPath(new URL('../../cli/iot.mjs', import.meta.url));
const hasMosquitto = (() => {
  try {
    execFileSync('sh', ['-c', 'command -v mosquitto_pub']);
    return true;
  } catch {
    return false; // not installed
  }
})();
if (!hasMosquitto && process.env['CI'])
  throw new Error('mosquitto_pub is not on PATH; in CI the page is always tested');

let platform: TestPlatform;
let folder: string;
let device: MqttClient;
const configs: { version: number; desired: unknown }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iot-twin-'));
  platform = await startPlatform({ portBase: 25_200, devices: 2 });
  const made = await platform.iot('device', 'create', 'pump-1', '--tag', 'hall-3', '--out', join(folder, 'pump-1'));
  expect(made.code, made.stderr).toBe(0);
  await connectDevice();
});
afterAll(async () => {
  device?.end(true);
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function connectDevice(): Promise<void> {
  const mqtt = new URL(platform.urls.mqtt);
  const file = (name: string) => readFile(join(folder, 'pump-1', name));
  device = await connectAsync(`mqtts://${mqtt.hostname}:${mqtt.port}`, {
    clientId: 'pump-1',
    key: await file('key.pem'),
    cert: await file('cert.pem'),
    ca: await file('ca.pem'),
    reconnectPeriod: 0,
  });
  device.on('message', (topic, payload) => {
    const body = JSON.parse(payload.toString());
    if (topic.endsWith('/config')) configs.push(body);
    else device.publish(`${topic}/result`, JSON.stringify({ id: body.id, status: 'succeeded' }), { qos: 1 });
  });
  await device.subscribeAsync(['/devices/pump-1/config', '/devices/pump-1/commands/#'], { qos: 1 });
}

/** The page's `sh` blocks, a line a command. */
async function commandsOfPage(): Promise<string[]> {
  const text = await readFile(page, 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.trim().split('\n'));
}

async function shell(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const { port } = new URL(platform.urls.mqtt);
  const here = line
    .replace(/^npx iot (.*)$/, `"${process.execPath}" "${cli}" $1 --data "${platform.data}"`)
    .replace('-p 18883', `-p ${port}`);
  const child = spawn('sh', ['-c', here], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

const twin = async () => JSON.parse((await platform.iot('twin', 'show', 'pump-1', '--json')).stdout);
async function until(what: string, ask: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await ask())) {
    if (Date.now() > deadline) throw new Error(`not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test.skipIf(!hasMosquitto)('every command of the page works as it stands (needs mosquitto_pub)', async () => {
  const lines = await commandsOfPage();
  expect(lines.length).toBeGreaterThanOrEqual(9);
  for (const line of lines) {
    // The same client id cannot be connected twice: mosquitto_pub takes the device's place for a moment.
    if (line.startsWith('mosquitto_pub')) await device.endAsync();
    const done = await shell(line);
    expect(done, `${line}\n${done.stderr}`).toMatchObject({ code: 0 });
    if (line.startsWith('mosquitto_pub')) await connectDevice();
  }
  await until('reported', async () => (await twin()).reported.version === 1);
  expect(await twin()).toMatchObject({
    desired: { version: 3, document: { interval: 20, lamp: { on: true } } },
    reported: { document: { interval: 20, firmware: '1.4' } },
    delta: { lamp: { on: true } },
  });
  expect(configs.at(-1)).toMatchObject({ version: 3, desired: { interval: 20, lamp: { on: true } } });
  const commands = JSON.parse((await platform.iot('command', 'list', 'pump-1', '--json')).stdout);
  await until('all answered', async () => {
    const list = JSON.parse((await platform.iot('command', 'list', 'pump-1', '--json')).stdout) as { status: string }[];
    return list.length === 3 && list.every(({ status }) => status === 'succeeded');
  });
  expect(commands.map(({ name }: { name: string }) => name)).toEqual(['ping', 'ping', 'reboot']);
});

test('the CLI says what went wrong: an old version, a failed command, no JSON', async () => {
  const old = await platform.iot('twin', 'set', 'pump-1', '{"a":1}', '--if-version', '999');
  expect([old.code, old.stderr]).toEqual([1, expect.stringContaining('not 999')]);
  const bad = await platform.iot('twin', 'patch', 'pump-1', '{interval:1}');
  expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('the desired state is no JSON')]);
});

test('a simulated device takes its interval from its desired state, and answers commands or fails them', async () => {
  const id = 'sim-thermostat-00001';
  await platform.iot('twin', 'set', id, '{"interval":7}');
  await until('taken', async () => {
    const { reported, delta } = JSON.parse((await platform.iot('twin', 'show', id, '--json')).stdout);
    return reported.document.interval === 7 && Object.keys(delta).length === 0;
  });
  const ping = await platform.iot('command', 'send', id, 'ping', '"hello"', '--wait', '30', '--json');
  expect(JSON.parse(ping.stdout)).toMatchObject({ status: 'succeeded', result: { pong: 'hello' } });
  const fail = await platform.iot('command', 'send', id, 'fail', '--wait', '30');
  expect([fail.code, fail.stdout, fail.stderr]).toEqual([
    1,
    expect.stringContaining('told to fail'),
    expect.stringContaining('is failed'),
  ]);
});
