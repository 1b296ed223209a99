import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identify, isAlive, type ProcessId } from '../../runtime/local/proc.ts';
import { run, startPlatform, type TestPlatform } from '../support/platform.ts';
import { freePortBase } from '../support/ports.ts';

/** A newcomer's first hour, with the tools that they have: the `iot` command and Mosquitto's clients. */
const hasMosquitto = onPath('mosquitto_pub') && onPath('mosquitto_sub');
if (!hasMosquitto && process.env['CI'])
  throw new Error('mosquitto_pub is not on PATH; in CI the first hour is always tested');

const parts = ['postgres', 'redis', 'pubsub', 'devices', 'telemetry', 'processor', 'gateway', 'api', 'simulator'];

describe.skipIf(!hasMosquitto)('the first hour (needs mosquitto_pub, mosquitto_sub)', () => {
  const base = mkdtempSync(join(tmpdir(), 'iot-first-hour-'));
  const data = join(base, 'data');
  const out = join(base, 'pump-1');
  let portBase: number;
  let platform: TestPlatform;
  let laterOutput = '';

  const start = async () => {
    platform = await startPlatform({ portBase, devices: 3, data, args: ['--set', 'IOT_LOG_LEVEL=debug'] });
    laterOutput = '';
    platform.child.stdout?.on('data', (chunk: Buffer) => {
      laterOutput += chunk.toString();
    });
  };
  const iot = async (...args: string[]) => {
    const done = await platform.iot(...args);
    expect(done, `iot ${args.join(' ')}\n${done.stderr}`).toMatchObject({ code: 0 });
    return done.stdout;
  };
  const iotJson = async (...args: string[]) => JSON.parse(await iot(...args, '--json'));
  const mqtt = () => new URL(platform.urls.mqtt);
  const mosquitto = (tool: 'mosquitto_pub' | 'mosquitto_sub', dir: string, id: string, ...args: string[]) => {
    const files = ['--cafile', join(dir, 'ca.pem'), '--cert', join(dir, 'cert.pem'), '--key', join(dir, 'key.pem')];
    // Their words are read while they run: without stdbuf a pipe gets them in blocks of 4 KiB.
    return spawn('stdbuf', [
      '-oL',
      tool,
      '-h',
      mqtt().hostname,
      '-p',
      mqtt().port,
      '-q',
      '1',
      '-i',
      id,
      ...files,
      ...args,
    ]);
  };
  const publish = async (dir: string, id: string, message: string): Promise<number> => {
    const child = mosquitto('mosquitto_pub', dir, id, '-t', `/devices/${id}/events`, '-m', message);
    const [code] = (await once(child, 'exit')) as [number];
    return code;
  };
  const newest = async (id: string) => {
    const { code, stdout } = await platform.iot('telemetry', 'latest', id, '--json');
    return code === 0 ? JSON.parse(stdout).values : undefined;
  };
  const identities = async () =>
    (await Promise.all(platform.processes.map(({ pid }) => identify(pid)))).filter(
      (id): id is ProcessId => id !== undefined,
    );

  beforeAll(async () => {
    portBase = await freePortBase();
    await start();
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(base, { recursive: true, force: true });
  });

  test('one line says everything that a program needs, and nothing follows it', async () => {
    const { ready, urls, ca, logins, client, stores, processes } = platform;
    expect({ ready, logins: logins.map(({ user, role }) => [user, role]) }).toEqual({
      ready: true,
      logins: [
        ['admin@iot.local', 'admin'],
        ['viewer@iot.local', 'viewer'],
      ],
    });
    expect(Object.keys(urls).sort()).toEqual(['api', 'dashboard', 'enrol', 'mqtt']);
    expect(readFileSync(ca, 'utf8')).toContain('BEGIN CERTIFICATE');
    expect(client).toEqual({ id: expect.any(String), secret: expect.any(String) });
    expect(stores).toEqual({
      postgres: [expect.stringMatching(/^postgres:\/\/.*shard_a$/), expect.stringMatching(/^postgres:\/\/.*shard_b$/)],
      redis: expect.stringMatching(/^redis:\/\/127\.0\.0\.1:\d+$/),
      pubsub: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
    expect(processes.map(({ name }) => name)).toEqual(parts);
    for (const id of await identities()) expect(await isAlive(id)).toBe(true);
    expect(laterOutput).toBe('');
  });

  test('a device is made: key for its owner alone, certificate, CA; a second time it is refused and nothing is overwritten', async () => {
    const made = await iotJson('device', 'create', 'pump-1', '--out', out, '--tag', 'hall-3');
    expect(made).toMatchObject({
      id: 'pump-1',
      tags: ['hall-3'],
      status: 'active',
      files: { key: join(out, 'key.pem') },
    });
    expect(statSync(join(out, 'key.pem')).mode & 0o777).toBe(0o600);
    const key = readFileSync(join(out, 'key.pem'), 'utf8');
    const again = await platform.iot('device', 'create', 'pump-1', '--out', out);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is not overwritten') });
    const elsewhere = await platform.iot('device', 'create', 'pump-1', '--out', join(base, 'elsewhere'));
    expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringMatching(/POST \/v1\/devices answered 409/) });
    expect(readFileSync(join(out, 'key.pem'), 'utf8')).toBe(key);
  });

  test('what mosquitto_pub sends is the newest reading and in the history, once', async () => {
    expect(await publish(out, 'pump-1', '{"pressure":3.25}')).toBe(0);
    await expect.poll(() => newest('pump-1'), { timeout: 10_000 }).toEqual({ pressure: 3.25 });
    const history = await iotJson(
      'telemetry',
      'history',
      'pump-1',
      '--from',
      '1h',
      '--to',
      new Date(Date.now() + 60_000).toISOString(),
      '--resolution',
      'raw',
    );
    expect(history.items.map((item: { values: unknown }) => item.values)).toEqual([{ pressure: 3.25 }]);
  });

  test('a history of more than one page comes whole and in order', async () => {
    const begin = Date.now() - 3_000_000;
    for (let batch = 0; batch < 12; batch++) {
      const readings = Array.from({ length: 1_000 }, (_, i) => ({
        ts: begin + batch * 1_000 + i,
        seq: 0,
        values: { n: batch * 1_000 + i },
      }));
      expect(await publish(out, 'pump-1', JSON.stringify(readings))).toBe(0);
    }
    const range = ['--from', String(begin), '--to', String(begin + 12_000), '--resolution', 'raw'];
    const count = async () => (await iotJson('telemetry', 'history', 'pump-1', ...range)).items.length;
    await expect.poll(count, { timeout: 20_000, interval: 500 }).toBe(12_000);
    const { items } = await iotJson('telemetry', 'history', 'pump-1', ...range);
    expect(items.map((item: { values: { n: number } }) => item.values.n)).toEqual(
      Array.from({ length: 12_000 }, (_, i) => i),
    );
  });

  test("one message's whole way is in the log, under one trace", async () => {
    const lines = (await iot('local', 'logs', '--json', '-n', '100000'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const received = lines.find(
      (line) => line.service === 'gateway' && line.device === 'pump-1' && line.trace !== undefined,
    );
    expect(received).toBeDefined();
    const way = (await iot('local', 'logs', '--json', '--trace', received.trace))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(new Set(way.map((line) => line.service))).toEqual(new Set(['gateway', 'processor']));
    expect(await iot('local', 'logs', '--trace', received.trace.slice(0, 12))).toContain('processor');
  });

  test('every listener is on loopback, and no secret is in an argument list or in the log', () => {
    const secrets = [
      platform.client.secret,
      ...platform.logins.map((login) => login.password),
      ...platform.stores.postgres.map((url) => new URL(url).password),
    ];
    const log = readFileSync(join(data, 'logs', 'platform.log'), 'utf8');
    let listeners = 0;
    for (const { pid, name } of platform.processes) {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      for (const secret of secrets) expect(command.includes(secret), name).toBe(false);
      for (const address of listeningAddresses(pid)) {
        listeners++;
        expect(address, name).toBe('127.0.0.1');
      }
    }
    expect(listeners).toBeGreaterThan(10);
    for (const secret of secrets) expect(log.includes(secret)).toBe(false);
  });

  test('blocking ends the live session of a mosquitto_sub, and keeps the device out until it is unblocked', async () => {
    const subscriber = mosquitto('mosquitto_sub', out, 'pump-1', '-d', '-t', '/devices/pump-1/config');
    let said = '';
    subscriber.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    try {
      await expect.poll(() => said, { timeout: 10_000 }).toContain('SUBACK');
      const exited = once(subscriber, 'exit');
      expect(await iotJson('device', 'block', 'pump-1', '--reason', 'stolen')).toMatchObject({
        status: 'blocked',
        blockedReason: 'stolen',
      });
      // Mosquitto's client gives up with an error when it loses its connection; left alone, it would run for ever.
      const [code] = await exited;
      expect(code).not.toBe(0);
    } finally {
      subscriber.kill('SIGKILL');
    }
    expect(await publish(out, 'pump-1', '{"pressure":9}')).not.toBe(0);
    await iot('device', 'unblock', 'pump-1');
    await expect.poll(() => publish(out, 'pump-1', '{"pressure":4}'), { timeout: 10_000, interval: 500 }).toBe(0);
    await expect.poll(() => newest('pump-1'), { timeout: 10_000 }).toEqual({ pressure: 4 });
    await iot('device', 'block', 'pump-1');
  });

  test('a part that is killed comes back, and the status tells its new pid', async () => {
    const before = platform.processes.find(({ name }) => name === 'telemetry')?.pid as number;
    process.kill(before, 'SIGKILL');
    const telemetry = async () =>
      (await iotJson('local', 'status')).processes.find((each: { name: string }) => each.name === 'telemetry');
    await expect.poll(telemetry, { timeout: 20_000 }).toMatchObject({ state: 'ready', restarts: 1 });
    expect((await telemetry()).pid).not.toBe(before);
  });

  test('a second launcher on the same data is refused, naming the first', async () => {
    const second = await run(['local', 'up', '--data', data, '--port-base', String(portBase)]);
    expect(second).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`runs already (pid ${platform.child.pid})`),
    });
  });

  test('down leaves no process; the next start has the same data, CA and log-ins', async () => {
    const { logins, ca } = platform;
    const certificate = readFileSync(ca, 'utf8');
    const before = await identities();
    await iot('local', 'down');
    for (const id of before) expect(await isAlive(id)).toBe(false);
    await start();
    expect(platform.logins).toEqual(logins);
    expect(readFileSync(platform.ca, 'utf8')).toBe(certificate);
    expect(await newest('pump-1')).toEqual({ pressure: 4 });
    expect(await iotJson('device', 'show', 'pump-1')).toMatchObject({ status: 'blocked' });
    expect(await publish(out, 'pump-1', '{"pressure":9}')).not.toBe(0);
  });

  test('after kill -9 of the launcher the next start ends what it left, and goes on', async () => {
    const before = await identities();
    platform.child.kill('SIGKILL');
    await once(platform.child, 'exit');
    await start();
    for (const id of before) expect(await isAlive(id)).toBe(false);
    expect(await newest('pump-1')).toEqual({ pressure: 4 });
  });

  test('after kill -9 of the launcher `down` ends everything too', async () => {
    const before = await identities();
    platform.child.kill('SIGKILL');
    await once(platform.child, 'exit');
    await iot('local', 'down');
    for (const id of before) expect(await isAlive(id)).toBe(false);
  });

  test('what a person sees has lines that work when they are pasted', async () => {
    const cli = new URL('../../cli/iot.mjs', import.meta.url).pathname;
    const child = spawn(process.execPath, [
      cli,
      'local',
      'up',
      '--data',
      data,
      '--port-base',
      String(portBase),
      '--devices',
      '0',
    ]);
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
    });
    const exited = once(child, 'exit');
    try {
      await expect.poll(() => shown, { timeout: 60_000 }).toContain('not for production');
      expect(shown).not.toContain('\u001b[');
      const line = (tool: string) => new RegExp(`^\\s*(${tool} .*)$`, 'm').exec(shown)?.[1] as string;
      const answer = JSON.parse(execFileSync('sh', ['-c', line('curl')], { encoding: 'utf8' }));
      expect(answer.items.map((device: { id: string }) => device.id)).toContain('first-device');
      execFileSync('sh', ['-c', line('mosquitto_pub')]);
      await expect.poll(() => newest('first-device'), { timeout: 10_000 }).toEqual({ temperature: 21.5 });
    } finally {
      // Twice at once, as npm and a terminal both pass a Ctrl-C on: still an orderly stop.
      child.kill('SIGINT');
      child.kill('SIGINT');
    }
    expect(await exited).toEqual([0, null]);
  });

  test('reset asks or is told, and leaves nothing', async () => {
    expect(await run(['local', 'reset', '--data', data])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes'),
    });
    expect(await run(['local', 'reset', '--data', data, '--yes'])).toMatchObject({ code: 0 });
    expect(readdirSync(data)).toEqual(['launcher.lock']);
  });
});

function onPath(tool: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(':')
    .some((dir) => statSync(join(dir, tool), { throwIfNoEntry: false }) !== undefined);
}

/** IPv4 addresses that a process listens on, from /proc; an IPv6 listener shows as `IPv6`. */
function listeningAddresses(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined; // closed since it was listed
      }
    }),
  );
  const rows = (file: string) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && inodes.has(fields[9]));
  const dotted = (hex: string) =>
    (hex.match(/../g) ?? [])
      .reverse()
      .map((byte) => Number.parseInt(byte, 16))
      .join('.');
  return [
    ...rows('/proc/net/tcp').map((fields) => dotted((fields[1] ?? '').slice(0, 8))),
    ...rows('/proc/net/tcp6').map(() => 'IPv6'),
  ];
}
