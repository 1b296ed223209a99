import { afterEach, beforeEach, expect, test } from 'vitest';
import { createUpstream, type Upstream, UpstreamAway } from '../../runtime/platform/http/client.ts';
import { tokenOf } from '../support/identity.ts';
import { quietLog } from '../support/log.ts';
import { type Stub, startStub } from './harness.ts';

let stub: Stub;
let upstream: Upstream | undefined;
beforeEach(async () => {
  stub = await startStub();
});
afterEach(async () => {
  upstream?.close();
  await stub.stop();
});
const identity = tokenOf('api', 'devices');
const caller = { tenant: 'main', subject: 'ada', scopes: ['devices:read'] };
const open = (settings: Partial<Parameters<typeof createUpstream>[0]> = {}) => {
  upstream = createUpstream({ name: 'devices', url: stub.url, identity, ...settings }, quietLog);
  return upstream;
};
const awayOf = (call: Promise<unknown>): Promise<UpstreamAway> =>
  call.then(
    () => Promise.reject(new Error('it answered')),
    (error: unknown) => {
      expect(error).toBeInstanceOf(UpstreamAway);
      return error as UpstreamAway;
    },
  );

test('an answer of any status is an answer', async () => {
  stub.answer = () => ({ status: 503, body: { title: 'x' } });
  expect(await open().call({ method: 'GET', path: '/x', caller })).toMatchObject({ status: 503 });
  expect(stub.asked).toHaveLength(1);
});

test('a GET that was cut off is repeated; a POST is not, since it may have been done', async () => {
  const cut = await startCutter();
  const client = createUpstream({ name: 'devices', url: cut.url, identity }, quietLog);
  await awayOf(client.call({ method: 'GET', path: '/x', caller }));
  expect(cut.requests()).toBe(3);
  await awayOf(client.call({ method: 'POST', path: '/x', caller, body: '{}' }));
  expect(cut.requests()).toBe(4);
  client.close();
  await cut.stop();
});

/** Takes requests and closes the connection without an answer. */
async function startCutter() {
  const { createServer } = await import('node:http');
  const { freePort } = await import('../support/ports.ts');
  let count = 0;
  const server = createServer((request) => {
    count += 1;
    request.socket.destroy();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => count,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

test('a call that hangs ends at its deadline and is not repeated', async () => {
  stub.answer = () => undefined;
  const away = await awayOf(open({ timeoutMs: 50 }).call({ method: 'GET', path: '/x', caller }));
  expect([away.part, away.reason]).toEqual(['devices', 'timeout']);
  expect(stub.asked).toHaveLength(1);
});

test('a part that fails again and again is not asked any more, until a probe finds it well', async () => {
  stub.answer = () => undefined;
  const client = open({ timeoutMs: 20 });
  for (let i = 0; i < 8; i++) await awayOf(client.call({ method: 'POST', path: '/x', caller, body: '{}' }));
  expect(client.circuit()).toBe('open');
  expect((await awayOf(client.call({ method: 'GET', path: '/x', caller }))).reason).toBe('circuit open');
  expect(stub.asked).toHaveLength(8);
  stub.answer = () => ({ status: 200, body: {} });
  await expect
    .poll(
      () =>
        client.call({ method: 'GET', path: '/x', caller }).then(
          (a) => a.status,
          () => 0,
        ),
      { timeout: 10_000 },
    )
    .toBe(200);
  expect(client.circuit()).toBe('closed');
});

test('more calls than the bulkhead holds are refused at once, and the others end well', async () => {
  stub.answer = () => undefined;
  const client = open({ concurrent: 2, timeoutMs: 500 });
  const calls = Array.from({ length: 6 }, () =>
    awayOf(client.call({ method: 'POST', path: '/x', caller, body: '{}' })),
  );
  const reasons = (await Promise.all(calls)).map((away) => away.reason);
  expect(reasons.filter((reason) => reason === 'too many calls')).toHaveLength(2);
});

test('callers that leave open no circuit', async () => {
  stub.answer = () => undefined;
  const client = open();
  for (let i = 0; i < 20; i++) {
    const abort = new AbortController();
    const call = awayOf(client.call({ method: 'GET', path: '/x', caller, signal: abort.signal }));
    abort.abort();
    expect((await call).reason).toBe('caller gone');
  }
  expect(client.circuit()).toBe('closed');
});

test('an answer without end is cut off', async () => {
  stub.answer = () => ({ status: 200, text: 'x'.repeat(100_000) });
  const away = await awayOf(open({ answerBytes: 10_000 }).call({ method: 'POST', path: '/x', caller }));
  expect(away.reason).toContain('over 10000 bytes');
});

test('a token that is refused is read anew, once; a call goes out without one to nobody', async () => {
  const tokens = ['old.old.old', 'new.new.new'];
  let forgotten = 0;
  const renewed = {
    current: async () => tokens[Math.min(forgotten, 1)] as string,
    forget: () => void forgotten++,
  };
  stub.answer = ({ headers }) => ({ status: headers.authorization === 'Bearer new.new.new' ? 200 : 401, body: {} });
  const client = open({ identity: renewed });
  expect(await client.call({ method: 'POST', path: '/x', caller, body: '{}' })).toMatchObject({ status: 200 });
  expect(stub.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer old.old.old', 'Bearer new.new.new']);
  stub.answer = () => ({ status: 401, body: {} });
  expect(await client.call({ method: 'GET', path: '/x', caller })).toMatchObject({ status: 401 });
  expect(stub.asked).toHaveLength(3);
  client.close();
  const none = open({ identity: tokenOf('telemetry', 'telemetry') });
  const away = await awayOf(none.call({ method: 'POST', path: '/x', caller, body: '{}' }));
  expect(away).toMatchObject({ unsent: true, reason: expect.stringContaining('no identity for telemetry') });
  expect(stub.asked).toHaveLength(3);
});
