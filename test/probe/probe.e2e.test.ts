import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { freePortBase } from '../support/ports.ts';

/** The probe as it is run in the cluster, against a whole platform on this machine. */
const entry = fileURLToPath(new URL('../../runtime/probe/main.ts', import.meta.url));
let platform: TestPlatform;

beforeAll(async () => {
  platform = await startPlatform({ portBase: await freePortBase(), devices: 0 });
});
afterAll(() => platform?.stop());

type Line = {
  severity: string;
  message: string;
  probe?: { ok: boolean; steps: Record<string, number>; failed: object | null };
};

function run(settings: Record<string, string> = {}): Promise<{ code: number; lines: Line[]; stderr: string }> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    IOT_INSTANCE: 'probe-1',
    IOT_API_URL: platform.urls.api,
    IOT_MQTT: new URL(platform.urls.mqtt).host,
    IOT_CLIENT_FILE: join(platform.data, 'client.json'),
    IOT_DEADLINE_SECONDS: '30',
    ...settings,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [entry], { env }, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : Number(error.code),
        lines: stdout
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as Line),
        stderr,
      }),
    );
  });
}

test('enrols, connects, publishes and finds its reading, twice with the same device', async () => {
  for (let i = 0; i < 2; i++) {
    const { code, lines, stderr } = await run();
    expect(lines, stderr).toEqual([
      expect.objectContaining({
        severity: 'INFO',
        message: 'probe passed',
        probe: {
          ok: true,
          totalMs: expect.any(Number),
          failed: null,
          steps: Object.fromEntries(
            ['token', 'device', 'certificate', 'connect', 'publish', 'query'].map((step) => [step, expect.any(Number)]),
          ),
        },
      }),
    ]);
    expect(code).toBe(0);
  }
});

test('a wrong secret fails at the token, and its line does not say the secret', async () => {
  const file = join(platform.data, 'wrong-client.json');
  const secret = 'x'.repeat(43);
  await writeFile(file, JSON.stringify({ id: 'iot-simulator', secret }), { mode: 0o600 });
  const { code, lines } = await run({ IOT_CLIENT_FILE: file });
  expect(code).toBe(1);
  expect(lines).toMatchObject([
    { severity: 'ERROR', message: 'probe failed at token', probe: { ok: false, steps: {} } },
  ]);
  expect(JSON.stringify(lines)).not.toContain(secret);
});

test('a gateway that another CA vouches for fails at the connection, within the deadline', async () => {
  const { code, lines } = await run({ IOT_MQTT_SERVER_NAME: 'not-the-gateway.example', IOT_DEADLINE_SECONDS: '5' });
  expect(code).toBe(1);
  expect(lines).toMatchObject([
    {
      message: 'probe failed at connect',
      probe: { failed: { step: 'connect', why: expect.stringMatching(/not-the-gateway/) } },
    },
  ]);
});

test('without a client it says how to get one', async () => {
  const { code, lines } = await run({ IOT_CLIENT_FILE: join(platform.data, 'nothing.json') });
  expect(code).toBe(2);
  expect(lines).toMatchObject([
    { message: expect.stringMatching(/client can not be read from .*nothing\.json: ENOENT/) },
  ]);
  const both = await run({ IOT_PROBE_CLIENT: 'projects/iot-dev-1/secrets/dev-probe-client' });
  expect(both).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/exactly one of IOT_CLIENT_FILE and IOT_PROBE_CLIENT/),
  });
});
