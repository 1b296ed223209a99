import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { Connector } from '../../../runtime/platform/cache/connector.ts';
import { freePort } from '../../support/ports.ts';

test('every error of a socket is heard, not the first alone: one that nobody hears ends the process', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const connector = new Connector({ host: '127.0.0.1', port, disconnectTimeout: 100 });
  const stream = await connector.connect();
  const [first, second] = [new Error('ours'), new Error('alert of the server')];
  stream.emit('error', first);
  expect(() => stream.emit('error', second)).not.toThrow();
  expect(connector.firstError).toBe(first);
  stream.destroy();
  server.close();
});
