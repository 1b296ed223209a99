import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { problem } from '../../../runtime/platform/http/problem.ts';
import { type HttpServer, serveOperations } from '../../../runtime/platform/http/serve.ts';
import { bearer, callersOf } from '../../support/identity.ts';

const lines: { msg: string; level: number; operation: string; status: number }[] = [];
const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
const headers = {
  authorization: bearer('api', 'devices'),
  'x-iot-tenant': 'main',
  'x-iot-subject': 'someone@example.com',
};
let server: HttpServer;

beforeAll(async () => {
  server = await serveOperations({
    service: 'test',
    callers: callersOf('devices'),
    operations: [],
    handlers: {},
    routes: [
      { method: 'GET', callers: ['api'], path: '/internal/polled', handler: async () => ({}) },
      {
        method: 'GET',
        callers: ['api'],
        path: '/internal/failing',
        handler: async () => {
          throw problem(404, 'Not found', 'there is none');
        },
      },
    ],
    log,
    bind: '127.0.0.1',
    port: 0,
  });
});
afterAll(() => server.close());

test('a polled route that answers well is told at debug, any other request at info', async () => {
  for (const path of ['/internal/polled', '/internal/failing', '/none'])
    await (await fetch(`http://127.0.0.1:${server.port}${path}`, { headers })).text();
  await expect.poll(() => lines.filter((line) => line.msg === 'answered').length).toBe(3);
  const { debug, info } = pino.levels.values;
  expect(lines.filter((line) => line.msg === 'answered')).toMatchObject([
    { level: debug, operation: '/internal/polled', status: 200 },
    { level: info, operation: '/internal/failing', status: 404 },
    { level: info, status: 404 },
  ]);
});
