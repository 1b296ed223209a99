import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from './harness.ts';

/**
 * A public fuzzer, `schemathesis` 4 of PyPI, reads /openapi.json and calls every operation with thousands of right and
 * wrong requests; whatever the document does not say (a status, a header, a shape, a 5xx) is a failure.
 * Its command `st` is taken from PATH, or from the virtual environment in SCHEMATHESIS.
 */
const command = process.env['SCHEMATHESIS'] === undefined ? 'st' : `${process.env['SCHEMATHESIS']}/bin/st`;
const version = spawnSync(command, ['--version'], { encoding: 'utf8' });
const absent = version.status !== 0 && process.env['CI'] === undefined;
if (absent) console.warn("skipped: schemathesis is not installed (pip install 'schemathesis==4.32.5')");

let api: TestApi;
beforeAll(async () => {
  if (!absent)
    api = await startTestApi({ IOT_RATE_PER_CLIENT: '1000000', IOT_RATE_PER_ADDRESS: '1000000' }, {}, 'real');
}, 120_000);
afterAll(() => api?.stop());

test.skipIf(absent)(
  'schemathesis finds no answer that the OpenAPI document does not say',
  async () => {
    const token = await api.token('root');
    const create = (path: string, body: unknown) =>
      fetch(`${api.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await create('/v1/devices', { id: 'thermostat-0001' })).status).toBe(201);
    const config = fileURLToPath(new URL('schemathesis.toml', import.meta.url));
    const args = ['--config-file', config, 'run', `${api.url}/openapi.json`];
    args.push('--max-examples', process.env['SCHEMATHESIS_EXAMPLES'] ?? '30');
    args.push('--seed', '1', '--continue-on-failure', '--no-color', '--phases', 'examples,coverage,fuzzing');
    const { code, output } = await run(args, { IOT_TOKEN: token });
    expect(output).not.toContain(token);
    expect(code, output.slice(-20_000)).toBe(0);
    expect(output).toMatch(/No issues found|passed/);
  },
  600_000,
);

function run(args: string[], env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-200_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
