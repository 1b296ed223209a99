import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openServiceToken } from '../../../runtime/platform/identity/service-token.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iot-test-token-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const write = (text: string) => writeFile(join(folder, 'iot-devices'), text);

test('a renewed file is read after ten seconds, and at once when the service refused what it held', async () => {
  let now = 0;
  const token = openServiceToken(folder, 'devices', () => now);
  await write('a.b.c\n');
  expect(await token.current()).toBe('a.b.c');
  await write('d.e.f');
  now = 9_999;
  expect(await token.current()).toBe('a.b.c');
  now = 10_000;
  expect(await token.current()).toBe('d.e.f');
  await write('g.h.i');
  token.forget();
  expect(await token.current()).toBe('g.h.i');
});

test('a folder without a token, and a file that holds none, are named', async () => {
  await expect(openServiceToken(folder, 'devices').current()).rejects.toThrow(
    `${join(folder, 'iot-devices')} can not be read (ENOENT); IOT_IDENTITY_DIR is the folder`,
  );
  await write('');
  await expect(openServiceToken(folder, 'devices').current()).rejects.toThrow('holds no token');
});
