import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { freePortBase } from '../support/ports.ts';

/** docs/how-to/enrolment.md as its readers run it: each shell block, in order, in one folder. */
const root = new URL('../..', import.meta.url).pathname;
const page = readFileSync(join(root, 'docs/how-to/enrolment.md'), 'utf8');
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
const has = (tool: string) => {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const tools = ['mosquitto_pub', 'openssl', 'curl'];
const missing = tools.filter((tool) => !has(tool));
if (missing.length > 0 && process.env['CI'])
  throw new Error(`${missing.join(', ')} not on PATH; CI always runs this page`);

describe.skipIf(missing.length > 0)(`the page on enrolment (needs ${tools.join(', ')})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'iot-enrolment-'));
  let platform: TestPlatform;
  let portBase: number;
  beforeAll(async () => {
    portBase = await freePortBase();
    platform = await startPlatform({ portBase, devices: 3, args: ['--set', 'simulator.IOT_ENROLMENT=claim-code'] });
    // `npx iot` of the page is this clone's command against this test's platform.
    const npx = join(dir, 'npx');
    writeFileSync(
      npx,
      `#!/bin/sh\nshift\nexec '${process.execPath}' '${join(root, 'cli/iot.mjs')}' "$@" --data '${platform.data}'\n`,
    );
    chmodSync(npx, 0o755);
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const run = async (script: string) => {
    const moved = script.replaceAll('18883', String(portBase + 883)).replaceAll('18884', String(portBase + 884));
    const env = { ...process.env, PATH: `${dir}:${process.env['PATH'] ?? ''}`, NO_COLOR: '1' };
    const { stdout } = await promisify(execFile)('bash', ['-e', '-o', 'pipefail', '-c', moved], { cwd: dir, env });
    return stdout;
  };
  const newest = async (id: string) => {
    const { code, stdout } = await platform.iot('telemetry', 'latest', id, '--json');
    return code === 0 ? JSON.parse(stdout).values : undefined;
  };

  test('has the blocks that the tests below expect', () => expect(blocks).toHaveLength(5));

  test('claim code: one command makes the code, one enrols, and the device sends', async () => {
    expect(await run(blocks[0] ?? '')).toMatch(/used\s+generic\s+pump-…/);
    await expect.poll(() => newest('pump-1'), { timeout: 20_000 }).toEqual({ pressure: 3.25 });
  });

  test('EST: curl and openssl enrol and renew', async () => {
    expect(platform.urls.enrol).toBe(`https://127.0.0.1:${portBase + 884}/.well-known/est`);
    await run(blocks[1] ?? '');
    expect(await run(blocks[2] ?? '')).toMatch(/IoT platform root[\s\S]*id-ecPublicKey/);
    const serials = ['est.pem', 'est-2.pem'].map((file) =>
      execFileSync('openssl', ['x509', '-in', join(dir, file), '-noout', '-serial', '-subject']).toString(),
    );
    for (const text of serials) expect(text).toContain('CN = pump-2');
    expect(serials[0]).not.toBe(serials[1]);
  });

  test("a maker's device registers itself by its first connection", async () => {
    expect(await run(blocks[3] ?? '')).toMatch(/ID\s+mk-1[\s\S]*TAGS\s+made/);
    await expect.poll(() => newest('mk-1'), { timeout: 20_000 }).toEqual({ pressure: 1 });
  });

  test('JWT: a device of Cloud IoT Core with its long client id', async () => {
    const last = (blocks[4] ?? '').replace(/npx iot telemetry latest jwt-1\n$/, '');
    await run(last);
    await expect.poll(() => newest('jwt-1'), { timeout: 20_000 }).toEqual({ temperature: 21.5 });
  });

  test('a simulated fleet enrols by claim codes, each used by its own device', async () => {
    const used = async () => {
      const { stdout } = await platform.iot('claim-code', 'list', '--status', 'used', '--json');
      return (JSON.parse(stdout).items as { usedBy: string }[]).map(({ usedBy }) => usedBy);
    };
    await expect
      .poll(used, { timeout: 30_000 })
      .toEqual(expect.arrayContaining(['sim-thermostat-00001', 'pump-1', 'pump-2']));
  });
});
