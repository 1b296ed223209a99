import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../../infra/observability/await-metrics.mjs', import.meta.url));
const path = (metric: string) => `/v3/projects/iot-prod-1/metricDescriptors/prometheus.googleapis.com/${metric}`;

/** A stand-in of Cloud Monitoring: statuses in order by path, the last one again and again. */
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});
async function monitoring(answers: Record<string, readonly number[]>) {
  const asked: { url: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    const before = asked.filter((each) => each.url === url).length;
    asked.push({ url, authorization: request.headers.authorization });
    const statuses = answers[url] ?? [404];
    response.writeHead(statuses[Math.min(before, statuses.length - 1)] ?? 500, { connection: 'close' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return { asked, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function run(environment: Record<string, string>): Promise<{ code: number | null; out: string; error: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program], {
      env: { PATH: process.env['PATH'] ?? '', GOOGLE_OAUTH_ACCESS_TOKEN: 'token-of-a-test', ...environment },
    });
    let [out, error] = ['', ''];
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (error += chunk));
    child.on('close', (code) => resolve({ code, out, error }));
  });
}
const wanted = {
  IOT_PROJECT: 'iot-prod-1',
  IOT_METRICS: 'a_total/counter,b_seconds/histogram',
  IOT_PAUSE_SECONDS: '0.02',
};

describe('waiting for metrics', () => {
  test('it ends when each has arrived, asks again only for what is missing, and shows its token to nobody', async () => {
    const { asked, endpoint } = await monitoring({
      [path('a_total/counter')]: [200],
      [path('b_seconds/histogram')]: [404, 500, 200],
    });
    const { code, out, error } = await run({ ...wanted, IOT_GOOGLE_ENDPOINT: endpoint });
    expect({ code, error }).toEqual({ code: 0, error: '' });
    expect(out).toBe('2 metrics have arrived\n');
    expect(asked.filter(({ url }) => url.includes('a_total'))).toHaveLength(1);
    expect(asked.filter(({ url }) => url.includes('b_seconds'))).toHaveLength(3);
    for (const { authorization } of asked) expect(authorization).toBe('Bearer token-of-a-test');
    expect(out + error).not.toContain('token-of-a-test');
  });

  test('it gives up by name, with the way out', async () => {
    const { endpoint } = await monitoring({ [path('a_total/counter')]: [200] });
    const { code, error } = await run({ ...wanted, IOT_WAIT_SECONDS: '0', IOT_GOOGLE_ENDPOINT: endpoint });
    expect(code).toBe(1);
    expect(error).toContain('after 0 s these metrics have not arrived in project iot-prod-1: b_seconds/histogram.');
    expect(error).toContain('docs/runbooks/gateway-absent.md');
  });

  test('what Google said last is in the message', async () => {
    const { endpoint } = await monitoring({ [path('a_total/counter')]: [503], [path('b_seconds/histogram')]: [200] });
    const { error } = await run({ ...wanted, IOT_WAIT_SECONDS: '0', IOT_GOOGLE_ENDPOINT: endpoint });
    expect(error).toContain('a_total/counter (Cloud Monitoring answers 503)');
  });

  test('a refusal ends the wait at once and names the role', async () => {
    const { endpoint } = await monitoring({ [path('a_total/counter')]: [403] });
    const { code, error } = await run({ ...wanted, IOT_GOOGLE_ENDPOINT: endpoint });
    expect(code).toBe(1);
    expect(error).toContain('Cloud Monitoring answers 403 for project iot-prod-1');
    expect(error).toContain('roles/monitoring.viewer');
  });

  test('a token goes to Google or to this machine', async () => {
    const { code, error } = await run({ ...wanted, IOT_GOOGLE_ENDPOINT: 'http://example.com' });
    expect(code).toBe(1);
    expect(error).toContain("IOT_GOOGLE_ENDPOINT is 'http://example.com': allowed is http://127.0.0.1:PORT");
  });

  test('a missing setting is named', async () => {
    const { code, error } = await run({ IOT_PROJECT: 'p' });
    expect(code).toBe(1);
    expect(error).toContain('IOT_METRICS is not set');
  });
});
