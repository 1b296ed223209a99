import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FirmwareStore, openFirmwareStore } from '../../../runtime/device/firmware/store.ts';
import { createUpdater, type Updater } from '../../../runtime/device/firmware/updater.ts';
import { imageOf, release, served, trust } from './harness.ts';

let folder: string;
let store: FirmwareStore;
let updater: Updater;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iot-test-firmware-'));
  store = await openFirmwareStore(folder);
  updater = createUpdater(store, trust);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const running = async () => (await updater.boot()).manifest.version;
const put = async (counter: number, image = imageOf(String(counter))) =>
  await updater.install(await release(image, counter), served(image));

test('a release is taken, tried, confirmed; the next one too, and the one before is no way back', async () => {
  expect(await put(1)).toBe('ready');
  expect(await updater.boot()).toMatchObject({ slot: 'a', trial: true, manifest: { version: '1.1.0' } });
  await updater.confirm();
  expect(await put(2)).toBe('ready');
  expect(await running()).toBe('1.2.0');
  await updater.confirm();
  expect(await put(2)).toBe('installed');
  await expect(put(1)).rejects.toMatchObject({ code: 'rollback' });
  expect(await running()).toBe('1.2.0');
});

test('an image that does not prove itself is left after three starts, by itself', async () => {
  await put(1);
  await updater.boot();
  await updater.confirm();
  await put(2);
  expect([await running(), await running(), await running(), await running()]).toEqual([
    '1.2.0',
    '1.2.0',
    '1.2.0',
    '1.1.0',
  ]);
});

test('any single byte of the image changed on its way is refused, and the old one starts', async () => {
  await put(1);
  await updater.boot();
  await updater.confirm();
  const image = imageOf('2', 1_000);
  const signed = await release(image, 2);
  await fc.assert(
    fc.asyncProperty(fc.nat(image.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const tampered = Buffer.from(image);
      tampered[at] = (tampered[at] as number) ^ change;
      await expect(updater.install(signed, served(tampered))).rejects.toMatchObject({ code: 'hash' });
    }),
    { numRuns: 25 },
  );
  expect(await running()).toBe('1.1.0');
  expect(await updater.install(signed, served(image))).toBe('ready');
});

test('a byte changed on the disk afterwards is found before the image starts; the measured hash is that of the bytes', async () => {
  await put(1);
  await updater.boot();
  await updater.confirm();
  await put(2);
  const file = await open(store.image('b'), 'r+');
  await file.write(Buffer.from('!'), 0, 1, 150_000);
  await file.close();
  const booted = await updater.boot();
  expect(booted).toMatchObject({ slot: 'a', trial: false, measured: booted.manifest.sha256 });
});

test('when no slot is good nothing starts', async () => {
  await expect(updater.boot()).rejects.toThrow('no slot holds a good image');
  await put(1);
  await writeFile(store.image('a'), 'other');
  await expect(updater.boot()).rejects.toThrow('no slot holds a good image');
});

test('a download goes on where the power went, and begins anew when the rest does not fit to it', async () => {
  const image = imageOf('3');
  const signed = await release(image, 3);
  const whole = served(image);
  const cut = async (from: number, to: number) => {
    if (from >= 131_072) throw new Error('power');
    return await whole(from, to);
  };
  await expect(updater.install(signed, cut)).rejects.toThrow('power');
  const rest = served(image);
  expect(await updater.install(signed, rest)).toBe('ready');
  expect(rest.asked[0]).toEqual([131_072, 196_608]);
  // A release that comes instead of it finds the other's bytes.
  const other = imageOf('4');
  expect(await updater.install(await release(other, 4), served(other))).toBe('ready');
  expect(await running()).toBe('1.4.0');
});

test('a server that gives more or nothing is refused', async () => {
  const image = imageOf('5');
  const signed = await release(image, 5);
  await expect(updater.install(signed, async () => Buffer.alloc(0))).rejects.toMatchObject({ code: 'size' });
  await expect(updater.install(signed, async () => image)).rejects.toMatchObject({ code: 'size' });
});

test('while an image is tried another one does not take its place', async () => {
  await put(1);
  await updater.boot();
  await expect(put(2)).rejects.toMatchObject({ code: 'busy' });
  await updater.giveUp();
  expect(await put(2)).toBe('ready');
});

test('a damaged state is said, not guessed', async () => {
  await put(1);
  const file = join(folder, 'boot.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace('"counter":1', '"counter":0'));
  await expect(updater.boot()).rejects.toThrow('boot.json is damaged');
});

test('kill -9 between write and reboot: the counter is the last one that was confirmed, or the one being confirmed', async () => {
  const script = fileURLToPath(new URL('confirm-forever.ts', import.meta.url));
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let last = 0;
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      last = Number(line);
      if (last % 20 === round) child.kill('SIGKILL');
    });
    await once(child, 'exit');
    const { counter } = await store.read();
    expect(counter).toBeGreaterThanOrEqual(last);
    expect(counter).toBeLessThanOrEqual(last + 1);
  }
}, 60_000);
