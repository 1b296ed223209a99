import { appendFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../support/platform.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iot-test-firmware-cli-'));
  await writeFile(at('pump.img'), 'image of a pump');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a release is signed by a key of its own and checked as a device does', async () => {
  const made = await run(['firmware', 'key', at('release.key')]);
  expect(made.code, made.stderr).toBe(0);
  expect((await stat(at('release.key'))).mode & 0o777).toBe(0o600);
  expect(await run(['firmware', 'key', at('release.key')])).toMatchObject({ code: 1, stdout: '' });
  const release = ['--release', '2.14.0', '--counter', '31', '--hardware', 'board-2', '--type', 'pump'];
  const signed = await run(['firmware', 'sign', at('pump.img'), '--key', at('release.key'), ...release]);
  expect(signed.code, signed.stderr).toBe(0);
  await writeFile(at('pump.fw'), signed.stdout);
  const verify = (...more: string[]) =>
    run(['firmware', 'verify', at('pump.fw'), '--key', at('release.key.pub'), ...more]);
  const good = await verify('--hardware', 'board-2', '--image', at('pump.img'));
  expect(JSON.parse(good.stdout)).toMatchObject({ version: '2.14.0', counter: 31, size: 15 });
  expect(await verify('--hardware', 'board-3')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('(hardware)'),
  });
  await appendFile(at('pump.img'), '!');
  expect(await verify('--hardware', 'board-2', '--image', at('pump.img'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('(size)'),
  });
  expect(await run(['firmware', 'sign', at('pump.img'), '--key', at('release.key.pub'), ...release])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('holds no key'),
  });
});
