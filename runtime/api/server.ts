import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { Histogram, type Registry } from 'prom-client';
import type { Operation } from '../contracts/http/operation.ts';
import type { Log } from '../platform/service/log.ts';
import type { Tracing } from '../platform/service/trace.ts';
import { addressKey, rateLimitHeaders, retryAfterSeconds } from './limits/headers.ts';
import type { Limit, RateLimits } from './limits/rate-limits.ts';
import { contextOf, openContext } from './routes/context.ts';
import { tooMany } from './routes/operations.ts';
import { answerRefusals, parserRefusal, refuse, refuseUnknown } from './routes/refusals.ts';
import { securityHeaders } from './web/security-headers.ts';

export type ServerOptions = {
  operations: readonly Operation[];
  limits: RateLimits;
  addressLimit: Limit;
  publicUrl: string;
  bodyBytes: number;
  /** Behind Google's load balancer: `X-Forwarded-For` ends with the client's and the balancer's address. */
  trustProxy: boolean;
  log: Log;
  metrics: Registry;
  tracing?: Tracing | undefined;
  bounds?: Partial<ServerBounds> | undefined;
};

/** Bounds of one connection and one request. Times in milliseconds. */
const defaultBounds = {
  headerBytes: 16_384,
  headerCount: 100,
  headersMs: 10_000,
  requestMs: 20_000,
  keepAliveMs: 65_000,
  connections: 10_000,
};
export type ServerBounds = typeof defaultBounds;

/** The HTTP server before it has routes: bounds, security headers, limit by address, problems, one log line a request. */
export function createServer(options: ServerOptions): { app: FastifyInstance; routes: readonly string[] } {
  const { log } = options;
  const bounds = { ...defaultBounds, ...options.bounds };
  const routes: string[] = [];
  const app = Fastify({
    bodyLimit: options.bodyBytes,
    requestTimeout: bounds.requestMs,
    keepAliveTimeout: bounds.keepAliveMs,
    http: { maxHeaderSize: bounds.headerBytes, headersTimeout: bounds.headersMs, connectionsCheckingInterval: 1_000 },
    // A device id has up to 255 characters, each up to 3 bytes when escaped.
    routerOptions: {
      maxParamLength: 1_024,
      querystringParser: () => ({}), // `parseQuery` reads it, and refuses what is given twice
    },
    trustProxy: options.trustProxy ? (_address: string, hop: number) => hop < 2 : false,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    forceCloseConnections: 'idle',
    clientErrorHandler: (error, socket) => endSocket(error, socket),
    frameworkErrors: (error, request, reply) => {
      openContext(request, reply, log);
      refuse(error, request, reply);
    },
  });
  app.server.maxHeadersCount = bounds.headerCount;
  app.server.maxConnections = bounds.connections;
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser(
    'application/merge-patch+json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  );
  // Kept so that a test can tell a route that no table names.
  app.addHook('onRoute', ({ method, url }) => void routes.push(`${String(method)} ${url}`));
  protect(app, options);
  measure(app, options.metrics);
  answerRefusals(app, options.operations);
  return { app, routes };
}

/** First of all: trace, headers for browsers, and the limit by address, which also those meet who have no token. */
function protect(app: FastifyInstance, options: ServerOptions): void {
  const { operations, limits, addressLimit, publicUrl, log, tracing } = options;
  const headers = securityHeaders(publicUrl);
  app.addHook('onRequest', async (request, reply) => {
    openContext(request, reply, log, tracing);
    reply.headers(headers);
    const taken = await limits.take('address', addressKey(request.ip), addressLimit);
    if (!taken.allowed) {
      reply.headers(rateLimitHeaders('address', addressLimit, taken));
      throw tooMany('address', retryAfterSeconds(taken));
    }
    // Before the body is looked at: what has no route is 404 or 405, whatever it carries.
    if (request.is404) return refuseUnknown(operations, request, reply);
  });
}

/** One line and one observation for each request. The label is the operation, never a path: paths are unbounded. */
function measure(app: FastifyInstance, metrics: Registry): void {
  const seconds = new Histogram({
    name: 'iot_http_request_seconds',
    help: 'From received head to sent answer',
    labelNames: ['operation', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [metrics],
  });
  app.addHook('onResponse', async (request, reply) => {
    const operation = (request.routeOptions.config as { operation?: string }).operation ?? 'none';
    const status = reply.raw.statusCode;
    seconds.observe({ operation, status: String(status) }, reply.elapsedTime / 1_000);
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    contextOf(request).log.info({ operation, method: request.method, status, ms }, 'answered');
  });
}

function endSocket(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.end(parserRefusal(error.code));
  socket.destroySoon();
}
