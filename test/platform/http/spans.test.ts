import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Operation } from '../../../runtime/contracts/http/operation.ts';
import { createUpstream } from '../../../runtime/platform/http/client.ts';
import { problem } from '../../../runtime/platform/http/problem.ts';
import { serveOperations } from '../../../runtime/platform/http/serve.ts';
import { callersOf, tokenOf } from '../../support/identity.ts';
import { quietLog } from '../../support/log.ts';
import { spanRecorder } from '../../support/spans.ts';

const table = [
  {
    id: 'getThing',
    method: 'GET',
    path: '/v1/things/{thingId}',
    service: 'devices',
    scope: 'devices:read',
    tag: 'T',
    summary: 'A thing',
    params: z.object({ thingId: z.string() }),
    success: { status: 200, body: z.object({ traceparent: z.string() }) },
    problems: [],
  },
] as const satisfies readonly Operation[];

const trace = '0af7651916cd43dd8448eb211c80319c';
const identity = tokenOf('api', 'devices');
const caller = { tenant: 'main', subject: 'someone', scopes: [] };

async function stand(sampled: '00' | '01') {
  const recorder = spanRecorder();
  const server = await serveOperations({
    service: 'devices',
    callers: callersOf('devices'),
    operations: table,
    log: quietLog,
    bind: '127.0.0.1',
    port: 0,
    tracing: recorder.tracing('devices'),
    handlers: {
      getThing: async ({ params, traceparent }) => {
        if (params.thingId === 'away') throw problem(503, 'Away', 'a store is away');
        return { traceparent: traceparent ?? 'none' };
      },
    },
  });
  const upstream = createUpstream(
    { name: 'devices', url: `http://127.0.0.1:${server.port}`, identity },
    quietLog,
    recorder.tracing('api'),
  );
  const traceparent = `00-${trace}-b7ad6b7169203331-${sampled}`;
  return {
    ask: (id: string) =>
      upstream.call({ method: 'GET', path: `/internal/v1/things/${id}`, caller: { ...caller, traceparent } }),
    async end() {
      upstream.close();
      await server.close();
      return recorder.flushed();
    },
  };
}

test("a call is the caller's child, the request its child, and both say what came of it", async () => {
  const { ask, end } = await stand('01');
  const given = JSON.parse((await ask('abc')).body.toString()).traceparent;
  await ask('away');
  const spans = await end();
  const [client, failedClient] = spans.filter((span) => span.service === 'api');
  const [server, failedServer] = spans.filter((span) => span.service === 'devices');
  expect(client).toMatchObject({
    trace,
    parent: 'b7ad6b7169203331',
    name: 'GET devices',
    kind: 'CLIENT',
    failed: false,
    attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200 },
  });
  expect(server).toMatchObject({
    trace,
    parent: client?.id,
    name: 'GET /internal/v1/things/:thingId',
    kind: 'SERVER',
    failed: false,
    attributes: { 'http.response.status_code': 200 },
  });
  expect(given).toBe(`00-${trace}-${server?.id}-01`);
  expect([failedClient, failedServer]).toMatchObject([
    { failed: true, attributes: { 'http.response.status_code': 503 } },
    { failed: true, attributes: { 'http.response.status_code': 503 } },
  ]);
  expect(spans).toHaveLength(4);
});

test('a trace that its caller does not sample leaves no span', async () => {
  const { ask, end } = await stand('00');
  expect(JSON.parse((await ask('abc')).body.toString()).traceparent).toBe('none');
  expect(await end()).toEqual([]);
});

test('a service that is away ends the span as failed', async () => {
  const recorder = spanRecorder();
  const upstream = createUpstream(
    { name: 'devices', url: 'http://127.0.0.1:1', identity },
    quietLog,
    recorder.tracing('api'),
  );
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;
  await expect(upstream.call({ method: 'POST', path: '/x', caller: { ...caller, traceparent } })).rejects.toThrow(
    'did not answer',
  );
  upstream.close();
  expect(await recorder.flushed()).toMatchObject([{ kind: 'CLIENT', failed: true }]);
});
