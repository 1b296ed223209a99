import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Limit, type Operation, Problem } from '../../../runtime/contracts/http/operation.ts';
import { problem } from '../../../runtime/platform/http/problem.ts';
import { type HttpServer, serveOperations } from '../../../runtime/platform/http/serve.ts';
import { bearer, callersOf } from '../../support/identity.ts';
import { quietLog } from '../../support/log.ts';

const Thing = z.strictObject({
  name: z.string().max(20),
  parts: z.array(z.string().regex(/^[a-z]+$/, 'a part is a-z')),
});
const table = [
  {
    id: 'getThing',
    method: 'GET',
    path: '/v1/things/{thingId}',
    service: 'devices',
    scope: 'devices:read',
    tag: 'T',
    summary: 'A thing',
    params: z.object({ thingId: z.string().min(3) }),
    query: z.object({ limit: Limit(5, 10) }),
    success: { status: 200, body: z.object({ id: z.string(), limit: z.int(), tenant: z.string() }) },
    problems: [404],
  },
  {
    id: 'putThing',
    method: 'POST',
    path: '/v1/things/{thingId}',
    service: 'devices',
    scope: 'devices:write',
    tag: 'T',
    summary: 'A thing',
    params: z.object({ thingId: z.string() }),
    body: Thing,
    success: { status: 201, body: z.object({ name: z.string() }) },
    problems: [],
  },
] as const satisfies readonly Operation[];

const authorization = bearer('api', 'devices');
const caller = { authorization, 'x-iot-tenant': 'main', 'x-iot-subject': 'someone@example.com' };
const trace = '0af7651916cd43dd8448eb211c80319c';
let server: HttpServer;
let answer: unknown = { name: 'x' };
const seen: string[] = [];
const aborted = Promise.withResolvers<void>();

beforeAll(async () => {
  server = await serveOperations({
    service: 'test',
    callers: callersOf('devices'),
    operations: table,
    log: quietLog,
    bind: '127.0.0.1',
    port: 0,
    bodyBytes: 10_000,
    handlerMs: 1_500,
    checkAnswers: true,
    handlers: {
      getThing: async ({ params, query, caller: by, trace: id, signal }) => {
        seen.push(id);
        if (params.thingId === 'none') throw problem(404, 'No such thing', `there is no thing '${params.thingId}'`);
        if (params.thingId === 'slow')
          return await new Promise(() => signal.addEventListener('abort', () => aborted.resolve()));
        if (params.thingId === 'boom') throw new Error('secret connection string');
        return { id: params.thingId, limit: query.limit, tenant: by.tenant };
      },
      putThing: async () => answer as { name: string },
    },
    routes: [
      {
        method: 'GET',
        callers: ['api', 'gateway'],
        path: '/internal/peek',
        query: z.object({ after: z.coerce.number() }),
        handler: async (a) => a.query,
      },
      {
        method: 'GET',
        callers: ['api', 'gateway'],
        path: '/internal/who',
        handler: async ({ caller: by }) => ({ ...by, scopes: [...by.scopes] }),
      },
    ],
  });
});
afterAll(() => server.close());

const get = (url: string, headers: Record<string, string> = caller) =>
  server.app.inject({ method: 'GET', url, headers });
const post = (payload: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  server.app.inject({ method: 'POST', url: '/internal/v1/things/abc', headers: { ...caller, ...headers }, payload });

describe('operations', () => {
  it('are answered below /internal with validated values and the caller', async () => {
    const response = await get('/internal/v1/things/a%25b~c?limit=7');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ id: 'a%b~c', limit: 7, tenant: 'main' });
  });

  it('take ids of 255 characters, each escaped', async () => {
    const id = `a${'%'.repeat(254)}`;
    expect((await get(`/internal/v1/things/${encodeURIComponent(id)}`)).json().id).toBe(id);
  });

  it('follow the trace of the caller, and make one for a malformed traceparent', async () => {
    await get('/internal/v1/things/abc', { ...caller, traceparent: `00-${trace}-b7ad6b7169203331-01` });
    await get('/internal/v1/things/abc', { ...caller, traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` });
    expect(seen.at(-2)).toBe(trace);
    expect(seen.at(-1)).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  });

  it.each([
    ['no token', { ...caller, authorization: '' }, 'authorization'],
    ['no tenant', { authorization }, 'x-iot-tenant'],
    ['no subject', { authorization, 'x-iot-tenant': 'main' }, 'x-iot-subject'],
    ['a tenant with SQL', { ...caller, 'x-iot-tenant': "main' or 1=1" }, 'x-iot-tenant'],
    ['a subject with a control character', { ...caller, 'x-iot-subject': 'a\tb' }, 'x-iot-subject'],
  ])('refuse %s, naming the header', async (_name, headers, named) => {
    for (const url of ['/internal/v1/things/abc', '/internal/peek?after=1']) {
      const response = await get(url, headers as Record<string, string>);
      expect(response.statusCode).toBe(401);
      expect(response.json().detail).toContain(named);
    }
  });
});

describe('callers', () => {
  const asGateway = { ...caller, authorization: bearer('gateway', 'devices'), 'x-iot-scopes': 'admin' };

  it('that a route does not name are refused, before a body is read', async () => {
    const refused = [
      await get('/internal/v1/things/abc', asGateway),
      await post('{', { ...asGateway, 'content-type': 'application/json' }),
    ];
    for (const response of refused) {
      expect(response.statusCode).toBe(403);
      expect(response.json().detail).toBe('gateway may not call this; allowed is api');
    }
  });

  it('that speak for nobody else are themselves, whatever their headers say', async () => {
    expect((await get('/internal/who', asGateway)).json()).toEqual({
      service: 'gateway',
      tenant: 'main',
      subject: 'service:gateway',
      scopes: [],
    });
    expect((await get('/internal/who')).json()).toMatchObject({ service: 'api', subject: 'someone@example.com' });
  });
});

describe('bad input', () => {
  it('names every wrong field at once, with what is allowed and the value', async () => {
    const response = await get('/internal/v1/things/ab?limit=99&lmit=3');
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toBe('application/problem+json');
    const body = Problem.parse(response.json());
    expect(body.errors?.map((e) => e.field)).toEqual(['params.thingId', 'query.lmit', 'query.limit']);
    expect(body.errors?.find((e) => e.field === 'query.lmit')?.message).toContain('allowed are limit');
    expect(body.errors?.find((e) => e.field === 'query.limit')?.message).toMatch(/<=10.*"99"/);
  });

  it.each([
    ['two values of one parameter', '/internal/v1/things/abc?limit=1&limit=2', 400, 'query.limit'],
    ['a broken escape', '/internal/v1/things/%zz', 400, '%'],
    ['an unknown route', '/internal/v1/thing', 404, 'there is no GET /internal/v1/thing'],
    ['the public path', '/v1/things/abc', 404, 'there is no GET'],
  ])('%s', async (_name, url, status, words) => {
    const response = await get(url);
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.body).toContain(words);
  });

  it.each([
    ['an unknown field', '{"name":"x","parts":[],"admin":true}', 400, 'body.admin'],
    ['a wrong element', '{"name":"x","parts":["a","B"]}', 400, 'body.parts[1]'],
    ['no body', '', 400, 'empty'],
    ['malformed JSON', '{"name":', 400, 'not valid JSON'],
    ['a prototype key', '{"name":"x","parts":[],"__proto__":{"a":1}}', 400, ''],
    ['a constructor key', '{"name":"x","parts":[],"constructor":{"prototype":{"a":1}}}', 400, ''],
    ['U+0000', '{"name":"a\\u0000b","parts":[]}', 400, 'body.name'],
    ['a lone surrogate', '{"name":"a\\ud800b","parts":[]}', 400, 'body.name'],
    ['deep JSON', `{"name":"x","parts":${'['.repeat(4_000)}${']'.repeat(4_000)}}`, 400, 'body.parts[0]'],
    ['a huge body', `{"name":"${'x'.repeat(20_000)}"}`, 413, 'larger'],
  ])('%s', async (_name, payload, status, words) => {
    const response = await post(payload);
    expect(response.statusCode).toBe(status);
    expect(Problem.parse(response.json()).status).toBe(status);
    expect(response.body).toContain(words);
    expect(response.body.length).toBeLessThan(8_000);
  });

  it('another media type is 415', async () => {
    expect((await post('<a/>', { 'content-type': 'text/plain' })).statusCode).toBe(415);
    expect((await post('a=b', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(415);
  });

  it('a thousand wrong fields get a short answer', async () => {
    const parts = JSON.stringify(Array.from({ length: 2_000 }, () => 'B'));
    const response = await post(`{"name":"x","parts":${parts}}`);
    expect(response.json().errors).toHaveLength(32);
  });
});

describe('failures', () => {
  it('a thrown problem is the answer, with the trace', async () => {
    const response = await get('/internal/v1/things/none', {
      ...caller,
      traceparent: `00-${trace}-b7ad6b7169203331-01`,
    });
    expect(response.json()).toMatchObject({
      status: 404,
      title: 'No such thing',
      trace,
      instance: '/internal/v1/things/none',
    });
  });

  it('an unknown error tells nothing but the trace', async () => {
    const response = await get('/internal/v1/things/boom');
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('secret');
    expect(response.json().trace).toMatch(/^[0-9a-f]{32}$/);
  });

  it('a handler that takes too long is told to stop, and its caller to come again', async () => {
    const response = await get('/internal/v1/things/slow');
    expect(response.statusCode).toBe(503);
    expect(Problem.parse(response.json()).title).toBe('Too slow');
    await aborted.promise;
  });

  it('an answer that breaks its row is not sent', async () => {
    answer = { nam: 'x' };
    expect((await post('{"name":"x","parts":[]}')).statusCode).toBe(500);
    answer = { name: 'x' };
    expect((await post('{"name":"x","parts":[]}')).statusCode).toBe(201);
  });
});
