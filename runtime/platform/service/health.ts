import { createServer, type Server } from 'node:http';
import { collectDefaultMetrics, Registry } from 'prom-client';

/** What a service says of itself. `ready` names what it waits for; an empty list is ready. */
export type HealthChecks = {
  /** The process is alive and its loop turns; false asks the supervisor to restart it. */
  live: () => boolean;
  /** Why it should get no traffic now, empty when it should. */
  notReady: () => readonly string[];
};

/** Metrics registry of this process, with Node's own (loop lag, heap, CPU). Label values must be bounded sets. */
export function createMetrics(service: string, instance: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service, instance });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** `/healthz` (alive), `/readyz` (wants traffic; names what is missing) and `/metrics` (Prometheus text). */
export async function startHealth(options: {
  bind: string;
  port: number;
  metrics: Registry;
  checks: HealthChecks;
}): Promise<{ port: number; close(): Promise<void> }> {
  const { metrics, checks } = options;
  const server: Server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
    if (path === '/healthz') {
      const live = checks.live();
      return void response.writeHead(live ? 200 : 503, json).end(JSON.stringify({ live }));
    }
    if (path === '/readyz') {
      const waiting = checks.notReady();
      return void response
        .writeHead(waiting.length === 0 ? 200 : 503, json)
        .end(JSON.stringify({ ready: waiting.length === 0, waiting }));
    }
    if (path === '/metrics') {
      metrics.metrics().then(
        (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
        (error: unknown) => response.writeHead(500).end(`metrics failed: ${String(error)}`),
      );
      return;
    }
    response.writeHead(404).end();
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.bind, () => resolve());
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const json = { 'content-type': 'application/json' };
