import type { Operation, Problem } from '../../contracts/http/operation.ts';
import type { Upstream } from '../../platform/http/client.ts';
import { type ProblemError, problem } from '../../platform/http/problem.ts';
import type { Principal } from '../access/principal.ts';

export type ForwardedRequest = {
  operation: Operation;
  principal: Principal;
  params: Record<string, string>;
  query: Record<string, string>;
  /** Validated headers of the operation. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Validated; serialised anew, so that the service reads what the gateway has checked. */
  body: unknown;
  traceparent: string;
  signal: AbortSignal;
  /** Milliseconds, for an operation that waits. */
  timeoutMs?: number | undefined;
};
export type Forwarded = { body: Buffer; etag: string | undefined };

/**
 * Asks the service that owns an operation. Its path is made from checked values, never from the text that came in.
 * @returns the body of its success, as sent, and its entity tag.
 * @throws ProblemError with the service's problem; UpstreamAway.
 */
export async function forward(upstream: Upstream, request: ForwardedRequest): Promise<Forwarded> {
  const { operation, principal } = request;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(request.params[name] ?? ''),
  );
  const query = new URLSearchParams(request.query).toString();
  const answer = await upstream.call({
    method: operation.method,
    path: `/internal${path}${query === '' ? '' : `?${query}`}`,
    caller: {
      tenant: principal.tenant,
      subject: principal.subject,
      scopes: principal.scopes,
      traceparent: request.traceparent,
    },
    body: operation.body === undefined ? undefined : JSON.stringify(request.body),
    headers: request.headers,
    timeoutMs: request.timeoutMs,
    signal: request.signal,
  });
  if (answer.status === operation.success.status) return { body: answer.body, etag: answer.headers.etag };
  throw problemOf(answer.status, answer.body, answer.headers['retry-after'], operation);
}

/** Statuses of a service that are an answer to the caller; any other is a fault between us and it. */
const passed: ReadonlySet<number> = new Set([400, 404, 409, 412, 413, 422, 503]);

function problemOf(status: number, body: Buffer, retryAfter: string | undefined, operation: Operation): ProblemError {
  const said = passed.has(status) ? parseProblem(body) : undefined;
  if (said === undefined)
    return problem(500, 'Internal error', 'the trace id finds the log lines of this request', {
      cause: new Error(`${operation.service} answered ${status} to ${operation.id}`),
    });
  const seconds = Number(retryAfter);
  return problem(status, said.title, said.detail ?? '', {
    ...(said.errors === undefined ? {} : { errors: said.errors }),
    ...(status === 503 ? { retryAfterSeconds: Number.isInteger(seconds) && seconds > 0 ? seconds : 1 } : {}),
  });
}

function parseProblem(body: Buffer): Problem | undefined {
  try {
    const parsed = JSON.parse(body.toString()) as Problem;
    return typeof parsed.title === 'string' ? parsed : undefined;
  } catch {
    return undefined; // not a problem document: the caller is told nothing of it, the log has the status
  }
}
