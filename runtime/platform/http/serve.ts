import type { IncomingHttpHeaders } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Histogram, type Registry } from 'prom-client';
import type { z } from 'zod';
import type { ServiceCaller } from '../../contracts/callers.ts';
import type { Operation } from '../../contracts/http/operation.ts';
import type { Callers } from '../identity/callers.ts';
import type { Log } from '../service/log.ts';
import type { Tracing } from '../service/trace.ts';
import { type Caller, callerOf, traceOf } from './caller.ts';
import { answerWithProblems, problem, sendProblem } from './problem.ts';
import { serverSpan } from './server-span.ts';
import { validateRequest } from './validate.ts';

type Output<T> = T extends z.ZodType ? z.output<T> : undefined;
type Row<T extends readonly Operation[], Id extends string> = Extract<T[number], { id: Id }>;
type Field<O, K extends string> = O extends Record<K, infer S> ? Output<S> : undefined;

/** What a handler gets: validated values, who asks, and a log whose every line carries the trace. */
export type Asked<O> = {
  params: Field<O, 'params'>;
  query: Field<O, 'query'>;
  headers: Field<O, 'headers'>;
  body: Field<O, 'body'>;
} & AskedBy;
export type AskedBy = {
  caller: Caller;
  /** W3C trace id, 32 hex digits. */
  trace: string;
  /** To hand on to another service; undefined when this trace is not sampled here. */
  traceparent?: string | undefined;
  log: Log;
  /** Aborted when the caller has gone or the time is over. */
  signal: AbortSignal;
};
type Answer<O> = O extends { success: { body: infer B } } ? Output<B> : undefined;

/** One handler for each operation, by id: a missing one, or one that answers another shape, does not compile. */
export type Handlers<T extends readonly Operation[]> = {
  [Id in T[number]['id']]: (asked: Asked<Row<T, Id>>) => Promise<Answer<Row<T, Id>>>;
};

/** A route between services that is no public operation. */
export type InternalRoute = {
  method: 'GET' | 'POST';
  /** The services that may call it; each has a token of its own. */
  callers: readonly [ServiceCaller, ...ServiceCaller[]];
  /** Full path, begins with `/internal/`. */
  path: string;
  query?: z.ZodObject;
  body?: z.ZodType;
  handler: (asked: { query: unknown; body: unknown; headers: IncomingHttpHeaders } & AskedBy) => Promise<unknown>;
};

export type HttpServer = {
  port: number;
  /** Everything that answers, and the services that it answers. */
  routes: readonly Served[];
  /** For tests: answers without a socket. */
  app: FastifyInstance;
  /** Ends once open requests are answered; refuses new ones meanwhile. */
  close(): Promise<void>;
};

export type Served = { method: string; path: string; callers: readonly ServiceCaller[] };

export type ServeOptions<T extends readonly Operation[]> = {
  service: string;
  /** Tells which service calls; every route refuses who has no token, and who may not call it. */
  callers: Callers;
  operations: T;
  handlers: Handlers<T>;
  routes?: readonly InternalRoute[];
  log: Log;
  bind: string;
  port: number;
  /** Largest body, bytes. */
  bodyBytes?: number;
  /** Longest time a handler may take, milliseconds. */
  handlerMs?: number;
  /** Refuse to send an answer that breaks its schema: on in tests. */
  checkAnswers?: boolean;
  metrics?: Registry;
  tracing?: Tracing;
};

type AnyServe = Omit<ServeOptions<readonly Operation[]>, 'handlers'> & {
  handlers: Record<string, (asked: unknown) => Promise<unknown>>;
};

const defaultHandlerMs = 10_000;

/**
 * The HTTP side of a service: `/internal` + path of each operation in the table, validated by its row, answered by its
 * handler, for the services that may call it (decision 0020). Failures are RFC 9457 problems.
 */
export async function serveOperations<const T extends readonly Operation[]>(
  options: ServeOptions<T>,
): Promise<HttpServer> {
  const app = createApp(options);
  const routes = collectRoutes(app);
  for (const operation of options.operations) addOperation(app, operation, options as unknown as AnyServe);
  for (const route of options.routes ?? []) addRoute(app, route, options.callers);
  await app.listen({ host: options.bind, port: options.port });
  const address = app.server.address();
  return {
    app,
    routes,
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () => app.close(),
  };
}

function createApp(
  options: Pick<
    ServeOptions<readonly Operation[]>,
    'service' | 'log' | 'bodyBytes' | 'handlerMs' | 'metrics' | 'tracing'
  >,
): FastifyInstance {
  const { log } = options;
  const app = Fastify({
    bodyLimit: options.bodyBytes ?? 262_144,
    handlerTimeout: options.handlerMs ?? defaultHandlerMs,
    requestTimeout: 15_000,
    connectionTimeout: 60_000, // longer than the longest wait of an operation
    keepAliveTimeout: 60_000,
    // A device id has up to 255 characters, each up to 3 bytes when escaped; fastify's default is 100.
    routerOptions: { maxParamLength: 1_024 },
    // `__proto__` and `constructor.prototype` in a body are refused, not dropped: the sender shall know.
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => {
      sendProblem(reply, error, contextOf(request, log));
    },
  });
  app.removeContentTypeParser('text/plain');
  answerWithProblems(app, (request) => contextOf(request, log));
  measure(app, options, log);
  return app;
}

function addOperation(app: FastifyInstance, operation: Operation, options: AnyServe): void {
  const callers: readonly ServiceCaller[] = ['api', ...(operation.callers ?? [])];
  const handler = options.handlers[operation.id];
  if (handler === undefined) throw new Error(`${options.service}: operation ${operation.id} has no handler`);
  app.route({
    method: operation.method,
    url: `/internal${operation.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    config: { operation: operation.id, callers },
    onRequest: admit(options.callers, callers),
    ...(operation.bodyBytes === undefined ? {} : { bodyLimit: operation.bodyBytes }),
    ...(operation.waitSeconds === undefined
      ? {}
      : { handlerTimeout: (options.handlerMs ?? defaultHandlerMs) + operation.waitSeconds * 1_000 }),
    handler: async (request, reply) => {
      const by = askedBy(request);
      const valid = validateRequest(operation, request);
      const signal = operation.waitSeconds === undefined ? by.signal : untilCallerLeaves(reply);
      const answer = await handler({ ...valid, ...by, signal });
      if (options.checkAnswers === true) checkAnswer(operation, answer);
      const { etag } = operation.success;
      if (etag !== undefined) reply.header('etag', `"${String((answer as Record<string, unknown>)[etag])}"`);
      return reply.code(operation.success.status).send(answer);
    },
  });
}

/**
 * Aborts when the connection ends before the answer. Not Fastify's `request.signal`: that one follows the request's own
 * `close`, which Node raises as soon as a body has been read.
 */
function untilCallerLeaves(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return controller.signal;
}

function addRoute(app: FastifyInstance, route: InternalRoute, callers: Callers): void {
  app.route({
    method: route.method,
    url: route.path,
    config: { operation: route.path, callers: route.callers },
    onRequest: admit(callers, route.callers),
    handler: async (request) => {
      const by = askedBy(request);
      const { query: asked, body: sent } = route;
      const { query, body } = validateRequest(
        { ...(asked === undefined ? {} : { query: asked }), ...(sent === undefined ? {} : { body: sent }) },
        request,
      );
      return await route.handler({ query, body, headers: request.headers, ...by });
    },
  });
}

function checkAnswer(operation: Operation, answer: unknown): void {
  const parsed = operation.success.body?.safeParse(JSON.parse(JSON.stringify(answer)));
  if (parsed !== undefined && !parsed.success)
    throw new Error(`${operation.id} answered another shape than its row says: ${parsed.error.message}`);
}

/** From the server itself, so that a test meets a route that nobody thought of. */
function collectRoutes(app: FastifyInstance): readonly Served[] {
  const routes: Served[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    const { callers = [] } = (config ?? {}) as { callers?: readonly ServiceCaller[] };
    for (const each of [method].flat()) routes.push({ method: each, path: url, callers });
  });
  return routes;
}

/** Before a body is read: which service calls, and whether it may call this. */
function admit(callers: Callers, allowed: readonly ServiceCaller[]) {
  return async (request: FastifyRequest): Promise<void> => {
    const service = await callers.verify(request.headers.authorization);
    if (!allowed.includes(service))
      throw problem(403, 'Not for this caller', `${service} may not call this; allowed is ${allowed.join(', ')}`);
    const context = contexts.get(request.raw);
    if (context !== undefined) context.service = service;
  };
}

type Context = { trace: string; log: Log; traceparent?: string | undefined; service?: ServiceCaller };
const contexts = new WeakMap<FastifyRequest['raw'], Context>();

/** Trace and log of a request, made at first use. */
function contextOf(request: FastifyRequest, log: Log): Context {
  const made = contexts.get(request.raw);
  if (made !== undefined) return made;
  const trace = traceOf(request.headers);
  const context = { trace, log: log.child({ trace }) };
  contexts.set(request.raw, context);
  return context;
}

function askedBy(request: FastifyRequest): AskedBy {
  const context = contexts.get(request.raw);
  if (context?.service === undefined) throw problem(500, 'Internal error', 'the request was not admitted');
  const { service, ...about } = context;
  return { caller: callerOf(service, request.headers), signal: request.signal, ...about };
}

/** One line and one observation for each request. The label is the operation, never a path: paths are unbounded. */
function measure(
  app: FastifyInstance,
  { metrics, tracing }: { metrics?: Registry; tracing?: Tracing },
  log: Log,
): void {
  const seconds =
    metrics === undefined
      ? undefined
      : new Histogram({
          name: 'iot_http_request_seconds',
          help: 'From received head to sent answer',
          labelNames: ['operation', 'status'],
          buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
          registers: [metrics],
        });
  app.addHook('onRequest', async (request, reply) => {
    contextOf(request, log).traceparent = serverSpan(tracing, request, reply)?.traceparent;
  });
  app.addHook('onResponse', async (request, reply) => {
    const operation = (request.routeOptions.config as { operation?: string }).operation ?? 'none';
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    seconds?.observe({ operation, status: String(reply.statusCode) }, reply.elapsedTime / 1_000);
    // Parts poll each other's own routes each second: when these go well, nobody wants to read it.
    const level = operation.startsWith('/internal/') && reply.statusCode < 400 ? 'debug' : 'info';
    contextOf(request, log).log[level]({ operation, status: reply.statusCode, ms }, 'answered');
  });
}
