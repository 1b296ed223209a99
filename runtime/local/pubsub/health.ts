import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Broker } from './broker.ts';
import type { AdjustableClock } from './clock.ts';
import { renderMetrics } from './metrics.ts';

export type HealthDeps = {
  readonly broker: Broker;
  /** Given in tests only: lets callers move the clock. */
  readonly adjustable: AdjustableClock | undefined;
};

/** `/healthz`, `/readyz`, `/metrics` on 127.0.0.1. */
export function startHealthServer(port: number, deps: HealthDeps): Promise<{ port: number; close: () => void }> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'POST' && url.pathname === '/clock/advance' && deps.adjustable !== undefined) {
      advance(deps.adjustable, url.searchParams.get('ms'), response);
    } else if (request.method !== 'GET') answer(response, 405, 'GET only\n');
    else if (url.pathname === '/healthz' || url.pathname === '/readyz') answer(response, 200, 'ok\n');
    else if (url.pathname === '/metrics') {
      answer(response, 200, renderMetrics(deps.broker), 'text/plain; version=0.0.4');
    } else answer(response, 404, 'there are /healthz, /readyz and /metrics\n');
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Error(`PUBSUB_HEALTH_PORT: cannot listen on 127.0.0.1:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, '127.0.0.1', () => {
      resolve({ port: (server.address() as AddressInfo).port, close: () => server.close() });
    });
  });
}

function advance(clock: AdjustableClock, ms: string | null, response: ServerResponse): void {
  try {
    clock.advance(Number(ms ?? Number.NaN));
    answer(response, 200, `${clock.now()}\n`);
  } catch (error) {
    answer(response, 400, `${error instanceof Error ? error.message : error}\n`);
  }
}

function answer(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
