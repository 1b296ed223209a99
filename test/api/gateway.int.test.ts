import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { operations } from '../../runtime/contracts/http/index.ts';
import { bearer as serviceBearer } from '../support/identity.ts';
import { secrets, startStub, startTestApi, type TestApi } from './harness.ts';

let api: TestApi;
let token: string;
let reader: string;
beforeAll(async () => {
  api = await startTestApi();
  token = await api.token();
  reader = await api.token('reader');
});
afterAll(() => api?.stop());
afterEach(() => {
  for (const stub of [api.devices, api.telemetry]) {
    stub.asked.length = 0;
    stub.answer = () => ({ status: 200, body: {} });
  }
});

type Problem = {
  status: number;
  title: string;
  detail: string;
  instance: string;
  trace: string;
  errors?: { field: string; message: string }[];
};
const bearer = (value = token) => ({ authorization: `Bearer ${value}` });
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${api.url}${path}`, { headers: { ...bearer(), ...headers } });
const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${api.url}${path}`, {
    method,
    headers: { ...bearer(), 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  return problem;
}

test('a request reaches its service by the internal path, with caller and trace, and no header of the sender', async () => {
  api.devices.answer = () => ({ status: 200, body: { items: [], next: null } });
  const response = await get('/v1/devices?search=a%26b&limit=5', {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'x-iot-tenant': 'other',
    'x-iot-subject': 'root',
    'x-iot-scopes': 'admin',
    cookie: 'a=b',
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(await response.json()).toEqual({ items: [], next: null });
  const [asked] = api.devices.asked;
  expect(asked?.url).toBe('/internal/v1/devices?search=a%26b&limit=5');
  expect(asked?.headers).toMatchObject({
    'x-iot-tenant': 'main',
    'x-iot-subject': 'operator',
    'x-iot-scopes': 'devices:read devices:write telemetry:read platform:read',
  });
  expect(asked?.headers['traceparent']).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
  expect(asked?.headers.cookie).toBeUndefined();
  // Not the sender's: what the API gateway proves who it is with.
  expect(asked?.headers.authorization).toBe(serviceBearer('api', 'devices'));
  expect(api.logText()).toContain('"trace":"0af7651916cd43dd8448eb211c80319c"');
});

test('a path parameter can not leave its place, and defaults of the body are filled in', async () => {
  await get('/v1/devices/abc%25x');
  expect(api.devices.asked[0]?.url).toBe('/internal/v1/devices/abc%25x');
  for (const id of ['..%2F..%2Fidentity-changes', 'a%2Fb%2Fc', 'abc%00', "abc'--", 'abc%0d%0ax: y'])
    expect((await get(`/v1/devices/${id}`)).status).toBe(400);
  expect(api.devices.asked).toHaveLength(1);
  api.devices.answer = () => ({ status: 201, body: {} });
  expect((await send('POST', '/v1/devices', { id: 'abc' })).status).toBe(201);
  expect(JSON.parse(api.devices.asked[1]?.body ?? '')).toEqual({ id: 'abc', type: 'generic', tags: [] });
});

test.each([
  ['no token', {}, 401, /^Bearer realm="iot-platform"$/],
  ['a word as token', { authorization: 'Bearer nonsense' }, 401, /error="invalid_token"/],
  [
    'another scheme',
    { authorization: `Basic ${Buffer.from(`operator:${secrets.operator}`).toString('base64')}` },
    401,
    /^Bearer/,
  ],
  ['a header with a quote', { authorization: 'Bearer a"b' }, 401, /^Bearer/],
])('%s is a 401 with a challenge', async (_, headers, status, challenge) => {
  const response = await fetch(`${api.url}/v1/devices`, { headers });
  expect(response.status).toBe(status);
  expect(response.headers.get('www-authenticate')).toMatch(challenge);
  expect(await problemOf(response)).toMatchObject({ title: 'Not authenticated', instance: '/v1/devices' });
  expect(api.devices.asked).toHaveLength(0);
});

test('a token in the query is no token', async () => {
  expect((await fetch(`${api.url}/v1/devices?access_token=${token}`)).status).toBe(401);
});

test('every operation is refused without its scope, and names it', async () => {
  for (const operation of operations.filter(({ scope }) => scope !== 'devices:read' && scope !== null)) {
    const path = operation.path.replaceAll(/\{\w+\}/g, 'abc');
    const response = await fetch(`${api.url}${path}`, { method: operation.method, headers: bearer(reader) });
    expect([operation.id, response.status]).toEqual([operation.id, 403]);
    expect(response.headers.get('www-authenticate')).toContain(`scope="${operation.scope}"`);
    expect((await problemOf(response)).detail).toContain(operation.scope);
  }
});

test.each([
  ['an unknown parameter', '/v1/devices?serach=x', 'query.serach', /allowed are search, tag, type/],
  ['a parameter twice', '/v1/devices?limit=1&limit=2', 'query.limit', /more than once/],
  ['a number out of range', '/v1/devices?limit=501', 'query.limit', /500/],
  ['a prototype key', '/v1/devices?__proto__=x', 'query.__proto__', /unknown parameter/],
  ['U+0000', '/v1/devices?search=a%00b', 'query.search', /U\+0000/],
  ['SQL in a tag', "/v1/devices?tag=x'%20or%201=1--", 'query.tag', /a tag has/],
  ['a bad id', '/v1/devices/1abc', 'params.deviceId', /a device id starts with a letter/],
  ['a missing range', '/v1/devices/abc/history?from=2026-11-22T10:00:00Z', 'query.to', /missing/],
])('%s is a 400 that names the field and what is allowed', async (_, path, field, message) => {
  const problem = await problemOf(await get(path));
  expect(problem.status).toBe(400);
  expect(problem.errors?.map((e) => e.field)).toContain(field);
  expect(problem.errors?.find((e) => e.field === field)?.message).toMatch(message);
});

const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
test.each([
  ['malformed JSON', '{"id":', {}, 400],
  ['no body', '', {}, 400],
  ['an array', '[]', {}, 400],
  ['null', 'null', {}, 400],
  ['a prototype key', '{"id":"abc","__proto__":{"admin":true}}', {}, 400],
  ['a constructor key', '{"id":"abc","constructor":{"prototype":{"admin":true}}}', {}, 400],
  ['deep JSON', `{"id":"abc","tags":${deep(20_000)}}`, {}, 400],
  ['an unknown field', '{"id":"abc","tenant":"other"}', {}, 400],
  ['a lone surrogate', '{"id":"abc","name":"\\ud800"}', {}, 400],
  ['header injection in the name', '{"id":"abc","name":"a\\r\\nx-iot-tenant: other"}', {}, 400],
  ['a huge body', JSON.stringify({ id: 'abc', name: 'x'.repeat(70_000) }), {}, 413],
  ['another media type', 'id=abc', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['text', '{}', { 'content-type': 'text/plain' }, 415],
])('a body that is %s is refused and never forwarded', async (_, body, headers, status) => {
  const response = await send('POST', '/v1/devices', body, headers);
  expect((await problemOf(response)).status).toBe(status);
  expect(api.devices.asked).toHaveLength(0);
});

test('404, 405 with Allow, 406', async () => {
  expect((await problemOf(await get('/v1/nothing'))).status).toBe(404);
  expect((await problemOf(await get('/v1/../internal/identity-changes'))).status).toBe(404);
  for (const method of ['DELETE', 'PUT', 'OPTIONS']) {
    const response = await fetch(`${api.url}/v1/devices`, { method, headers: bearer() });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD, POST');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  }
  expect((await problemOf(await get('/v1/devices', { accept: 'text/csv' }))).status).toBe(406);
  expect((await get('/v1/devices', { accept: 'text/html, application/*;q=0.5' })).status).toBe(200);
});

test('a problem of a service passes with the public path; its faults and words stay inside', async () => {
  api.devices.answer = () => ({
    status: 404,
    headers: { 'content-type': 'application/problem+json' },
    body: {
      type: 'about:blank',
      title: 'No such device',
      status: 404,
      detail: "there is no device 'abc'",
      instance: '/internal/v1/devices/abc',
    },
  });
  expect(await problemOf(await get('/v1/devices/abc'))).toMatchObject({
    status: 404,
    detail: "there is no device 'abc'",
    instance: '/v1/devices/abc',
  });
  api.devices.answer = () => ({ status: 500, body: { title: 'x', detail: 'password=hunter2 at /srv/db.ts:12' } });
  const fault = await problemOf(await get('/v1/devices/abc'));
  expect(fault.status).toBe(500);
  expect(JSON.stringify(fault)).not.toContain('hunter2');
  for (const status of [200, 301, 401, 418]) {
    api.devices.answer = () => ({ status, body: {} });
    expect((await get('/v1/devices/abc')).status).toBe(status === 200 ? 200 : 500);
  }
  api.devices.answer = () => ({
    status: 503,
    headers: { 'retry-after': '7' },
    body: { title: 'Registry away', detail: 'later' },
  });
  const away = await get('/v1/devices/abc');
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '7']);
});

test('a dead service is a 503 that names it and when to come back; then it answers again', async () => {
  const { port } = new URL(api.telemetry.url);
  await api.telemetry.stop();
  for (let i = 0; i < 12; i++) {
    const response = await get('/v1/fleet/summary');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    const problem = await problemOf(response);
    expect(problem.detail).toBe('telemetry does not answer now; try again in 1 s');
    expect(JSON.stringify(problem)).not.toMatch(/ECONN|127\.0\.0\.1/);
  }
  expect((await get('/v1/devices')).status).toBe(200);
  const again = await startStub(Number(port));
  try {
    await expect.poll(async () => (await get('/v1/fleet/summary')).status, { timeout: 10_000 }).toBe(200);
  } finally {
    await again.stop();
  }
});

/** Sends raw bytes, and gives all that came back until the server closed. */
const raw = (bytes: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.end(bytes);
  });

test.each([
  [
    'Content-Length and Transfer-Encoding',
    'POST /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n',
    400,
  ],
  ['two lengths', 'POST /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd', 400],
  [
    'an obfuscated encoding',
    'POST /v1/devices HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n',
    400,
  ],
  ['a bare line feed', 'GET /v1/devices HTTP/1.1\nHost: x\n\n', 400],
  ['a space before the colon', 'GET /v1/devices HTTP/1.1\r\nHost : x\r\n\r\n', 400],
  ['no Host', 'GET /v1/devices HTTP/1.1\r\n\r\n', 400],
  ['20 KiB of headers', `GET /v1/devices HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_480)}\r\n\r\n`, 431],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
])('%s is refused and the connection ends', async (_, bytes, status) => {
  const text = await raw(bytes);
  expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
});

test('browsers are told to hold still, on every kind of answer', async () => {
  for (const path of ['/v1/devices', '/v1/nothing', '/openapi.json', '/', '/oauth/jwks', '/oauth/auth']) {
    const { headers } = await get(path);
    expect([path, headers.get('x-content-type-options')]).toEqual([path, 'nosniff']);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe/);
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  }
});
