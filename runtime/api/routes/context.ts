import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { traceOf } from '../../platform/http/caller.ts';
import { serverSpan } from '../../platform/http/server-span.ts';
import type { Log } from '../../platform/service/log.ts';
import type { Tracing } from '../../platform/service/trace.ts';

/**
 * Of each request: its trace (taken from a caller's `traceparent`, or new), a log whose lines carry it, and what to hand on:
 * the request's span, or without one the caller's decision to sample.
 */
export type RequestContext = { trace: string; log: Log; traceparent: string };

const contexts = new WeakMap<FastifyRequest['raw'], RequestContext>();

export function openContext(request: FastifyRequest, reply: FastifyReply, log: Log, tracing?: Tracing): RequestContext {
  const trace = traceOf(request.headers);
  const span = serverSpan(tracing, request, reply, trace);
  const sampled = /-0[13]$/.test(String(request.headers['traceparent'] ?? '')) ? '01' : '00';
  const context = {
    trace,
    log: log.child({ trace }),
    traceparent: span?.traceparent ?? `00-${trace}-${randomBytes(8).toString('hex')}-${sampled}`,
  };
  contexts.set(request.raw, context);
  return context;
}

/** @throws when the request has no context: the hook that opens it is missing. */
export function contextOf(request: FastifyRequest): RequestContext {
  const context = contexts.get(request.raw);
  if (context === undefined) throw new Error('request without context: openContext is the first onRequest hook');
  return context;
}
