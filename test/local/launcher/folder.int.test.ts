import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DataFolder, lockDataFolder, openDataFolder, removeData } from '../../../runtime/local/folder.ts';
import { openLogFile } from '../../../runtime/local/log-file.ts';
import { endOrphans } from '../../../runtime/local/orphans.ts';
import { holderOf, identify, isAlive } from '../../../runtime/local/proc.ts';
import { ensureSecrets } from '../../../runtime/local/secrets.ts';
import { type PartStatus, type PlatformStatus, readRunning, writeStatus } from '../../../runtime/local/status.ts';
import { freePort } from '../../support/ports.ts';

const root = new URL('../../..', import.meta.url).pathname;
let base: string;
let folder: DataFolder;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'iot-test-folder-'));
  await chmod(base, 0o755);
  folder = await openDataFolder(join(base, 'data'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe('secrets', () => {
  test('are made once, and lie in files that only their owner reads', async () => {
    const made = await ensureSecrets(folder);
    expect(await ensureSecrets(folder)).toEqual(made);
    for (const name of ['secrets.json', 'client.json'])
      expect((await stat(folder.at(name))).mode & 0o777, name).toBe(0o600);
    for (const entry of await readdir(folder.root, { withFileTypes: true }))
      if (entry.isDirectory()) expect((await stat(folder.at(entry.name))).mode & 0o077, entry.name).toBe(0);
    expect((await stat(folder.root)).mode & 0o066).toBe(0);
  });

  test('differ from one platform to the next, and are long', async () => {
    const one = await ensureSecrets(folder);
    const other = await ensureSecrets(await openDataFolder(join(base, 'other')));
    const all = [one, other].flatMap((s) => [
      s.postgresPassword,
      s.client.secret,
      s.simulator.secret,
      ...s.logins.map((l) => l.password),
    ]);
    expect(new Set(all).size).toBe(all.length);
    expect(Math.min(...all.map((secret) => secret.length))).toBeGreaterThanOrEqual(20);
  });
});

describe('the lock', () => {
  test('lets one launcher in, and is free when it has let go', () => {
    const first = lockDataFolder(folder);
    expect(first).toBeDefined();
    expect(lockDataFolder(folder)).toBeUndefined();
    first?.release();
    const second = lockDataFolder(folder);
    expect(second).toBeDefined();
    second?.release();
  });

  test('is free at once when its holder is killed', async () => {
    const script = `const { dataFolder, lockDataFolder } = await import(${JSON.stringify(join(root, 'runtime/local/folder.ts'))});
      globalThis.lock = lockDataFolder(await dataFolder(${JSON.stringify(folder.root)})); console.log('held'); setInterval(() => {}, 1000)`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // Whatever comes of it: a holder that stays would keep the test's worker, whose error output it has.
    try {
      await once(holder.stdout, 'data');
      expect(lockDataFolder(folder)).toBeUndefined();
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    const mine = lockDataFolder(folder);
    expect(mine).toBeDefined();
    mine?.release();
  });
});

describe('what a killed launcher left behind', () => {
  const sleeper = async () => {
    const child = spawn(process.execPath, ['-e', "console.log('up'); setInterval(() => {}, 1000)"], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(child.stdout, 'data');
    const id = await identify(child.pid as number);
    if (id === undefined) throw new Error('the child is gone');
    return { child, id };
  };
  const statusWith = (processes: Partial<PartStatus>[], launcher = { pid: 1, startTicks: -1 }): PlatformStatus => ({
    version: 1,
    launcher,
    state: 'ready',
    data: folder.root,
    urls: { dashboard: '', api: '', mqtt: '', enrol: '' },
    ca: '',
    stores: { postgres: [], redis: '', pubsub: '' },
    processes: processes as PartStatus[],
    at: '',
  });

  test('is ended; a process that only has the same number is not', async () => {
    const orphan = await sleeper();
    const stranger = await sleeper();
    writeStatus(
      folder,
      statusWith([
        { name: 'stranger', pid: stranger.id.pid, startTicks: stranger.id.startTicks - 1 },
        { name: 'gateway', ...orphan.id },
        { name: 'gone', pid: null, startTicks: null },
      ]),
    );
    expect(await endOrphans(folder)).toEqual(['gateway']);
    expect(await isAlive(orphan.id)).toBe(false);
    expect(await isAlive(stranger.id)).toBe(true);
    stranger.child.kill('SIGKILL');
  });

  test('a status whose launcher is gone is not a running platform', async () => {
    const launcher = await sleeper();
    writeStatus(folder, statusWith([], launcher.id));
    expect(await readRunning(folder)).toMatchObject({ state: 'ready' });
    launcher.child.kill('SIGKILL');
    await once(launcher.child, 'exit');
    expect(await readRunning(folder)).toBeUndefined();
  });

  test('the status file is for its owner alone', async () => {
    writeStatus(folder, statusWith([]));
    expect((await stat(folder.at('platform.json'))).mode & 0o777).toBe(0o600);
  });
});

test('removing the data leaves what is not ours', async () => {
  await ensureSecrets(folder);
  await writeFile(folder.at('notes.txt'), 'mine');
  await removeData(folder);
  expect((await readdir(folder.root)).sort()).toEqual(['notes.txt']);
});

test('a port names who listens on it', async () => {
  const port = await freePort();
  expect(await holderOf(port)).toBeUndefined();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect(await holderOf(port)).toMatchObject({ pid: process.pid, command: expect.stringContaining('node') });
  server.close();
});

test('the log file is bounded: it turns over, keeps so many old ones, and loses no line meanwhile', async () => {
  const path = folder.at('logs', 'test.log');
  const file = openLogFile({ path, maxBytes: 400_000, keep: 2 });
  const line = (n: number) => `{"n":${n},"pad":"${'x'.repeat(1_000)}"}`;
  for (let n = 0; n < 1_000; n++) file.write(line(n));
  file.close();
  expect((await readdir(folder.at('logs'))).sort()).toEqual(['test.log', 'test.log.1', 'test.log.2']);
  const texts = await Promise.all(['.2', '.1', ''].map((suffix) => readFile(`${path}${suffix}`, 'utf8')));
  for (const text of texts) expect(text.length).toBeLessThanOrEqual(400_000);
  expect(texts.join('')).toBe(Array.from({ length: 1_000 }, (_, n) => `${line(n)}\n`).join(''));
  const more = openLogFile({ path, maxBytes: 400_000, keep: 2 });
  for (let n = 1_000; n < 3_000; n++) more.write(line(n));
  more.close();
  expect((await readdir(folder.at('logs'))).sort()).toEqual(['test.log', 'test.log.1', 'test.log.2']);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});
