import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerHeaders } from '../../contracts/http/index.ts';
import type { Span, Tracing } from '../service/trace.ts';

/**
 * The span of one request, until its answer is sent or its connection gone; undefined when its trace is not sampled. Names
 * and attributes as in https://opentelemetry.io/docs/specs/semconv/http/http-spans/: the route, never a path.
 * @param trace starts a trace of this id where the caller sends no sampled one: at the edge only, a service follows.
 */
export function serverSpan(
  tracing: Tracing | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
  trace?: string,
): Span | undefined {
  if (tracing === undefined) return undefined;
  const header = request.headers[callerHeaders.trace];
  const traceparent = typeof header === 'string' ? header : undefined;
  const route = request.routeOptions.url ?? 'unmatched';
  const name = `${request.method} ${route}`;
  const attributes = { 'http.request.method': request.method, 'http.route': route };
  const options = { kind: 'server' } as const;
  const span =
    tracing.spanFor(name, { traceparent }, attributes, options) ??
    (trace === undefined ? undefined : tracing.spanFor(name, { trace }, attributes, options));
  if (span === undefined) return undefined;
  reply.raw.once('close', () => {
    const { statusCode, writableFinished } = reply.raw;
    const error = writableFinished ? (statusCode >= 500 ? `answered ${statusCode}` : undefined) : 'caller gone';
    span.end(error, { 'http.response.status_code': statusCode });
  });
  return span;
}
