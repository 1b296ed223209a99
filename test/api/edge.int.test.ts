import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loginPath } from '../../runtime/api/identity/authorization-server.ts';
import { invitationPath } from '../../runtime/api/identity/code-pages.ts';
import { stylePath } from '../../runtime/api/identity/pages.ts';
import { identityPaths } from '../../runtime/api/identity/routes.ts';
import { dashboardPaths } from '../../runtime/api/web/dashboard.ts';
import { operations } from '../../runtime/contracts/http/index.ts';
import { liveChannel } from '../../runtime/platform/cache/keys.ts';
import { type Stub, startStub, startTestApi, type TestApi } from './harness.ts';

let api: TestApi;
let part: Stub;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iot-test-api-'));
  const dashboard = join(folder, 'dashboard');
  await mkdir(join(dashboard, 'assets'), { recursive: true });
  await writeFile(join(dashboard, 'index.html'), '<!doctype html><title>built</title>');
  await writeFile(join(dashboard, 'assets', 'main-ABC.js'), 'export {};');
  await writeFile(join(folder, 'secret.txt'), 'outside of the dashboard');
  const status = join(folder, 'platform.json');
  await writeFile(
    status,
    JSON.stringify({
      processes: [
        {
          name: 'gateway',
          pid: 41,
          state: 'running',
          startedAt: Date.now() - 60_000,
          restarts: 2,
          cpu: 0.5,
          rssBytes: 9,
        },
        { name: 'pubsub', pid: 42, state: 'waiting', startedAt: null, restarts: 0, cpu: null, rssBytes: null },
      ],
    }),
  );
  part = await startStub();
  api = await startTestApi(
    {
      IOT_RATE_PER_CLIENT: '40',
      IOT_RATE_PER_ADDRESS: '400',
      IOT_DASHBOARD_DIR: dashboard,
      IOT_PARTS: `gateway=${part.url},processor=http://127.0.0.1:1`,
      IOT_LOCAL_STATUS: status,
    },
    // Short for a request that never ends, long for 150 at one time on a busy machine.
    { requestMs: 4_000, headersMs: 4_000 },
  );
});
afterAll(async () => {
  await api?.stop();
  await part?.stop();
  await rm(folder, { recursive: true, force: true });
});

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test('every route is in the operations table or in the short list of others', () => {
  const declared = new Set(operations.map((o) => `${o.method} ${o.path.replaceAll(/\{(\w+)\}/g, ':$1')}`));
  const others = new Set(
    [...dashboardPaths, ...identityPaths, stylePath, loginPath(':uid'), invitationPath, '/openapi.json'].map(String),
  );
  const undeclared = api.api.routes.filter((route) => {
    const [methods = '', path = ''] = route.split(' ');
    if (others.has(path)) return false;
    return methods.split(',').some((method) => !declared.has(`${method === 'HEAD' ? 'GET' : method} ${path}`));
  });
  expect(undeclared).toEqual([]);
  for (const row of declared) expect(api.api.routes).toContain(row);
});

const flood = (count: number, token?: string) =>
  Promise.all(
    Array.from({ length: count }, () =>
      fetch(`${api.url}/v1/devices`, token === undefined ? {} : bearer(token)).then(async (response) => ({
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as { status?: number; title?: string },
      })),
    ),
  );

test('a flood of one client is 429 with headers that say when to come back; others and the process are well', async () => {
  const [reader, other] = [await api.token('reader'), await api.token()];
  api.time.frozen = Date.now();
  const answers = await flood(150, reader);
  const refused = answers.filter((answer) => answer.status === 429);
  // 40 pass the limit; on a busy machine one of them may find the service behind it slow.
  expect(refused).toHaveLength(110);
  expect(answers.some((answer) => answer.status === 200)).toBe(true);
  for (const { headers, body } of refused) {
    expect(headers.get('ratelimit-policy')).toBe('"client";q=40;w=1');
    expect(headers.get('ratelimit')).toBe('"client";r=0;t=1');
    expect(headers.get('retry-after')).toBe('1');
    expect(body).toMatchObject({ status: 429, title: 'Too many requests' });
  }
  expect((await flood(1, other))[0]?.status).toBe(200);
  api.time.frozen += 1_000;
  expect((await flood(1, reader))[0]?.status).toBe(200);
  api.time.frozen = undefined;
});

test('a flood without a token meets the limit by address', async () => {
  api.time.frozen = Date.now() + 5_000;
  const answers = await flood(450);
  expect(answers.filter((answer) => answer.status === 401)).toHaveLength(400);
  const refused = answers.filter((answer) => answer.status === 429);
  expect(refused).toHaveLength(50);
  expect(refused[0]?.headers.get('ratelimit-policy')).toBe('"address";q=400;w=1');
  api.time.frozen += 1_000;
  expect((await fetch(`${api.url}/openapi.json`)).status).toBe(200);
  api.time.frozen = undefined;
});

test('without Redis requests go on and stay limited; the live stream says what it missed', async () => {
  const token = await api.token();
  const stream = await openStream(token);
  await stream.until((text) => text.includes('event: resync'));
  await api.redis.stop();
  await expect.poll(() => api.cache.status()).toBe('down');
  expect((await fetch(`${api.url}/v1/whoami`, bearer(token))).status).toBe(200);
  const reader = await api.token('reader');
  api.time.frozen = Date.now();
  const answers = await flood(50, reader);
  expect(answers.filter((answer) => answer.status === 429)).toHaveLength(10);
  api.time.frozen = undefined;
  await api.redis.start();
  await stream.until((text) => text.includes('event: resync'));
  await stream.close();
});

/** A live stream read as the dashboard reads it. */
async function openStream(token: string, query = '') {
  const abort = new AbortController();
  const response = await fetch(`${api.url}/v1/stream${query}`, { ...bearer(token), signal: abort.signal });
  const { body } = response;
  if (response.status !== 200 || body === null) return Promise.reject(new Error(`stream refused: ${response.status}`));
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    response,
    /** What came until `met`; the next call begins after it. */
    async until(met: (text: string) => boolean) {
      while (!met(text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`stream ended after: ${text}`);
        text += value;
      }
      const heard = text;
      text = '';
      return heard;
    },
    async close() {
      abort.abort();
      await reader.cancel().catch((error: Error) => expect(error.name).toBe('AbortError'));
    },
  };
}

const state = (device: string) =>
  JSON.stringify([{ type: 'state', device, ts: 1, seq: 0, values: { t: 1 }, trace: 'x' }]);

test('what is published for a tenant arrives at its streams, filtered by device', async () => {
  const token = await api.token();
  const [all, one] = await Promise.all([openStream(token), openStream(token, '?device=dev-2')]);
  expect(all.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(all.response.headers.get('x-content-type-options')).toBe('nosniff');
  await expect.poll(() => api.cache.publish(liveChannel('main'), state('dev-0'))).toBe(1);
  await api.cache.publish(liveChannel('acme'), state('dev-9'));
  for (const device of ['dev-1', 'dev-2']) await api.cache.publish(liveChannel('main'), state(device));
  expect(await all.until((text) => text.includes('dev-2'))).not.toContain('dev-9');
  expect(await one.until((text) => text.includes('dev-2'))).not.toContain('dev-1');
  await Promise.all([all.close(), one.close()]);
});

test('a subject has eight streams at most; a closed one makes room', async () => {
  const token = await api.token();
  // Streams of the tests before may still be closing.
  const open: Awaited<ReturnType<typeof openStream>>[] = [];
  await expect
    .poll(async () => {
      open.push(await openStream(token));
      return open.length;
    })
    .toBe(8);
  const ninth = await fetch(`${api.url}/v1/stream`, bearer(token));
  expect(ninth.status).toBe(429);
  expect(await ninth.json()).toMatchObject({ title: 'Too many streams' });
  await open.pop()?.close();
  await expect
    .poll(async () =>
      openStream(token).then(
        (s) => open.push(s) > 0,
        () => false,
      ),
    )
    .toBe(true);
  await Promise.all(open.map((stream) => stream.close()));
});

test('a client that does not read is dropped, and makes nobody else slow', async () => {
  const token = await api.token();
  const slow = connect(Number(new URL(api.url).port), '127.0.0.1');
  slow.pause();
  slow.write(`GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  const other = await openStream(token);
  await expect.poll(() => api.cache.publish(liveChannel('main'), state('dev-0'))).toBe(1);
  await other.until((text) => text.includes('dev-0'));
  const metric = async () => {
    const { values } = (await api.metrics.getSingleMetric('iot_api_streams_lagged_total')?.get()) ?? { values: [] };
    return values[0]?.value ?? 0;
  };
  const big = JSON.stringify({
    type: 'state',
    device: 'dev-big',
    ts: 1,
    seq: 0,
    values: { s: 'x'.repeat(200_000) },
    trace: 'x',
  });
  let sent = 0;
  while ((await metric()) === 0 && sent < 500) {
    sent += 1;
    await api.cache.publish(liveChannel('main'), big);
    await other.until((text) => text.includes('dev-big') && text.endsWith('\n\n'));
  }
  expect(await metric()).toBe(1);
  await api.cache.publish(liveChannel('main'), state('dev-after'));
  await other.until((text) => text.includes('dev-after'));
  const told = new Promise<void>((resolve) => {
    let tail = '';
    slow.on('data', (chunk) => {
      tail = (tail + chunk.toString()).slice(-200);
      if (tail.includes('event: lagged')) resolve();
    });
  });
  slow.resume();
  await told;
  slow.destroy();
  await other.close();
}, 60_000);

test('a request that does not come to its end is cut off', async () => {
  const hang = (bytes: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('close', () => resolve(text));
      socket.write(bytes);
    });
  const token = await api.token();
  const answers = await Promise.all([
    hang('GET /v1/devices HTTP/1.1\r\nHost: x\r\nX-Slow: '),
    hang(
      `POST /v1/devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"id"`,
    ),
    hang(
      'POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant',
    ),
  ]);
  for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
  expect(answers[0]).toContain('application/problem+json');
});

test("the platform page has each part's health and rates, and the launcher's words", async () => {
  let received = 1_000;
  part.answer = ({ url }) => {
    received += 500;
    return url === '/readyz'
      ? { status: 503, body: { ready: false, waiting: ['bus'] } }
      : {
          status: 200,
          text: [
            '# TYPE iot_gateway_messages_received_total counter',
            `iot_gateway_messages_received_total{qos="1"} ${received}`,
            `iot_gateway_messages_received_total{qos="0"} ${received}`,
            '# TYPE iot_gateway_connections gauge',
            'iot_gateway_connections 7',
          ].join('\n'),
        };
  };
  const token = await api.token();
  const read = async () => {
    const response = await fetch(`${api.url}/v1/platform`, bearer(token));
    expect(response.status).toBe(200);
    const { parts } = (await response.json()) as { parts: { name: string; rates: Record<string, number> }[] };
    return Object.fromEntries(parts.map((one) => [one.name, one]));
  };
  await expect.poll(async () => (await read())['gateway']?.rates['received'], { timeout: 10_000 }).toBeGreaterThan(0);
  const parts = await read();
  expect(parts).toMatchObject({
    gateway: {
      status: 'degraded',
      detail: 'waits for bus; restarted 2 times',
      pid: 41,
      cpu: 0.5,
      rssBytes: 9,
      gauges: { connections: 7 },
    },
    processor: { status: 'down', rates: {} },
    pubsub: { status: 'down', pid: 42 },
    postgres: { status: 'up' },
    redis: { status: 'up' },
  });
  const schema = operations.find((o) => o.id === 'getPlatform')?.success.body;
  expect(schema?.safeParse({ at: new Date().toISOString(), parts: Object.values(parts) }).error).toBeUndefined();
});

test('the dashboard is served from its folder and nowhere else', async () => {
  const get = (path: string, headers = {}) => fetch(`${api.url}${path}`, { headers, redirect: 'manual' });
  for (const page of ['/', '/callback?code=x', '/devices/abc', '/platform']) {
    const response = await get(page);
    expect([page, response.status]).toEqual([page, 200]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-security-policy')).toContain("script-src 'self';");
    expect(await response.text()).toContain('<title>built</title>');
  }
  const asset = await get('/assets/main-ABC.js');
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  for (const path of [
    '/assets/..%2f..%2fsecret.txt',
    '/assets/%2e%2e%2fsecret.txt',
    '/assets/none.js',
    '/secret.txt',
    '/x',
  ])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  expect(await (await get('/dashboard-config.json')).json()).toEqual({
    issuer: api.url,
    clientId: 'dashboard',
    resource: api.url,
  });
  const { headers, statusCode } = await api.api.app.inject({ url: '/devices?x=1', headers: { host: 'localhost:1' } });
  expect([statusCode, headers.location]).toEqual([307, `${api.url}/devices?x=1`]);
});

test('an external issuer is trusted by its keys; the bundled server is then not there', async () => {
  const issuer = await startStub();
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'r1', alg: 'RS256' };
  issuer.answer = ({ url }) =>
    url.startsWith('/.well-known')
      ? { status: 200, body: { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` } }
      : { status: 200, body: { keys: [jwk] } };
  const second = await startTestApi({ IOT_OIDC_ISSUER: issuer.url, IOT_OIDC_AUDIENCE: 'iot' });
  try {
    const sign = (audience: string) =>
      new SignJWT({ tenant: 'main', roles: ['viewer'], client_id: 'portal' })
        .setProtectedHeader({ alg: 'RS256', kid: 'r1' })
        .setIssuer(issuer.url)
        .setAudience(audience)
        .setSubject('auth0|42')
        .setExpirationTime('5m')
        .sign(privateKey);
    const me = await fetch(`${second.url}/v1/whoami`, bearer(await sign('iot')));
    expect(await me.json()).toMatchObject({ subject: 'auth0|42', role: 'viewer', tenant: 'main' });
    expect((await fetch(`${second.url}/v1/whoami`, bearer(await sign('other')))).status).toBe(401);
    expect((await fetch(`${second.url}/oauth/token`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${second.url}/.well-known/openid-configuration`)).status).toBe(404);
    expect(await (await fetch(`${second.url}/dashboard-config.json`)).json()).toMatchObject({ issuer: issuer.url });
    expect((await fetch(second.url)).status).toBe(503); // no dashboard folder: the page says how to build
  } finally {
    await second.stop();
    await issuer.stop();
  }
}, 60_000);

test('an external issuer that is away is a 503, and found when it is back', async () => {
  const issuer = await startStub();
  const { port } = new URL(issuer.url);
  await issuer.stop();
  const second = await startTestApi({ IOT_OIDC_ISSUER: issuer.url });
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const token = await new SignJWT({ tenant: 'main', role: 'viewer' })
    .setProtectedHeader({ alg: 'ES256', kid: 'e1' })
    .setIssuer(issuer.url)
    .setAudience(second.url)
    .setSubject('ada')
    .setExpirationTime('5m')
    .sign(privateKey);
  try {
    const away = await fetch(`${second.url}/v1/whoami`, bearer(token));
    expect([away.status, (await away.json()).detail]).toEqual([503, 'issuer does not answer now; try again in 5 s']);
    const back = await startStub(Number(port));
    const jwk = { ...(await exportJWK(publicKey)), kid: 'e1', alg: 'ES256' };
    back.answer = ({ url }) => ({
      status: 200,
      body: url.startsWith('/.well-known') ? { issuer: back.url, jwks_uri: `${back.url}/keys` } : { keys: [jwk] },
    });
    expect((await fetch(`${second.url}/v1/whoami`, bearer(token))).status).toBe(200);
    await back.stop();
  } finally {
    await second.stop();
  }
}, 60_000);

test('the OpenAPI document is served, and says what the server does', async () => {
  const response = await fetch(`${api.url}/openapi.json`);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  expect(await response.json()).toMatchObject({ openapi: '3.1.1', servers: [{ url: api.url }] });
});
