import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, createClient, type Input, type OperationId } from '../../runtime/client/client.ts';
import { ApiError, ApiUnreachable } from '../../runtime/client/errors.ts';
import { operations as generated } from '../../runtime/client/generated/operations.ts';
import { operations } from '../../runtime/contracts/http/index.ts';

let answer: (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((closed) => server.close(closed)));

const client = (options: Partial<Parameters<typeof createClient>[0]> = {}) =>
  createClient({ url, token: async () => 'tok', ...options });

test('every operation of the contract is there, with its method and path', () => {
  const wanted = Object.fromEntries(operations.map(({ id, method, path }) => [id, { method, path }]));
  const there = Object.fromEntries(Object.entries(generated).map(([id, { method, path }]) => [id, { method, path }]));
  expect(there).toEqual(wanted);
});

describe('a call', () => {
  test('carries token, path, query and JSON, and reads the answer', async () => {
    let body = '';
    answer = (request, response) => {
      request.on('data', (part) => {
        body += part;
      });
      request.on('end', () =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(
            JSON.stringify([
              request.method,
              request.url,
              request.headers['authorization'],
              request.headers['content-type'],
            ]),
          ),
      );
    };
    const said: unknown = await client().call('blockDevice', { params: { deviceId: 'a/b' }, body: { reason: 'lost' } });
    expect(said).toEqual(['POST', '/v1/devices/a%2Fb/block', 'Bearer tok', 'application/json']);
    expect(JSON.parse(body)).toEqual({ reason: 'lost' });
  });

  test('of which the API says no throws its problem, with the status to branch on', async () => {
    answer = (_, response) =>
      response
        .writeHead(404, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify({ type: 'about:blank', title: 'Not found', status: 404, detail: 'no such device' }));
    const refused = await client()
      .call('getDevice', { params: { deviceId: 'x' } })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 404, problem: { detail: 'no such device' } });
  });

  test('that nobody answers in time says so; what its caller gave up is not called unreachable', async () => {
    answer = () => undefined;
    await expect(client({ answerWithinMs: 20 }).call('whoAmI')).rejects.toThrow(ApiUnreachable);
    await expect(client().call('whoAmI', { answerWithinMs: 20 })).rejects.toThrow('no answer in time');
    const stop = new AbortController();
    answer = () => stop.abort();
    await expect(client().call('whoAmI', { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
    server.closeAllConnections();
  });

  test('of a closed port is unreachable, with the reason', async () => {
    const gone = createServer();
    await new Promise<void>((listening) => gone.listen(0, '127.0.0.1', listening));
    const { port } = gone.address() as AddressInfo;
    await new Promise((closed) => gone.close(closed));
    await expect(client({ url: `http://127.0.0.1:${port}` }).call('whoAmI')).rejects.toMatchObject({
      reason: 'ECONNREFUSED',
    });
  });

  test('with a full rate limit is made again only as often as asked for', async () => {
    let asked = 0;
    answer = (_, response) => {
      asked++;
      response.writeHead(429, { 'retry-after': '3' }).end('{}');
    };
    await expect(client().call('whoAmI')).rejects.toMatchObject({ status: 429 });
    expect(asked).toBe(1);
    const slept: number[] = [];
    const patient = client({ triesWhenLimited: 2, sleep: async (ms) => void slept.push(ms) });
    await expect(patient.call('whoAmI')).rejects.toMatchObject({ status: 429 });
    expect(slept).toEqual([3_000, 3_000]);
  });
});

test('a request hands out a stream as it comes, past the time for its head', async () => {
  answer = (request, response) => {
    expect(request.headers['accept']).toBe('text/event-stream');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: ping\n\n');
    setImmediate(() => response.end('event: end\n\n'));
  };
  const response = await client({ answerWithinMs: 1_000 }).request('stream', {});
  expect(await response.text()).toBe('event: ping\n\nevent: end\n\n');
});

test('the types say what an operation takes and answers', () => {
  const answered = (_: Answer<'whoAmI'>['subject']) => undefined;
  answered('anna');
  const ids: OperationId[] = ['listDevices', 'stream'];
  const asked: Input<'getDevice'> = { params: { deviceId: 'pump-1' } };
  // @ts-expect-error a device is named
  const unnamed: Input<'getDevice'> = {};
  // @ts-expect-error no such filter
  const misspelt: Input<'listDevices'> = { query: { serach: 'x' } };
  expect([ids.length, asked, unnamed, misspelt]).toHaveLength(4);
});
