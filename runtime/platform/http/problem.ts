import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../../contracts/http/operation.ts';
import type { Log } from '../service/log.ts';

/** One wrong field of a request: where it is (`body.tags[0]`, `query.limit`) and what is allowed there. */
export type FieldError = { field: string; message: string };

export type ProblemExtra = {
  errors?: readonly FieldError[];
  /** Sent as `Retry-After`; whole seconds. */
  retryAfterSeconds?: number;
  cause?: unknown;
};

/** An answer that is not a success, thrown by a handler. Everything in it is shown to the caller, `cause` is logged only. */
export class ProblemError extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;
  constructor(status: number, title: string, detail: string, extra: ProblemExtra = {}) {
    super(`${title}: ${detail}`, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = 'ProblemError';
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.errors = extra.errors ?? [];
    this.retryAfterSeconds = extra.retryAfterSeconds;
  }
}

/**
 * A problem to throw: `throw problem(404, 'No such device', "there is no device 'x' in tenant 'main'")`.
 * @param status 400 to 599.
 */
export function problem(status: number, title: string, detail: string, extra: ProblemExtra = {}): ProblemError {
  return new ProblemError(status, title, detail, extra);
}

/** What this error answers. Of an unknown error nothing is told but the trace id, which finds its log line. */
export function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const code = fastifyCode(error);
  const known = code === undefined ? undefined : fastifyProblems[code];
  if (known !== undefined) return problem(known.status, known.title, known.detail, { cause: error });
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (code !== undefined && typeof status === 'number' && status >= 400 && status < 500)
    return problem(status, 'Request refused', (error as Error).message, { cause: error });
  return problem(500, 'Internal error', 'the trace id finds the log lines of this request', { cause: error });
}

/** RFC 9457 body (https://www.rfc-editor.org/rfc/rfc9457#section-3). `about:blank`: the status and title say the type. */
export function problemBody(error: ProblemError, context: { instance?: string; trace?: string }): Problem {
  return {
    type: 'about:blank',
    title: error.title,
    status: error.status,
    detail: error.detail,
    ...(context.instance === undefined ? {} : { instance: context.instance }),
    ...(context.trace === undefined ? {} : { trace: context.trace }),
    ...(error.errors.length === 0 ? {} : { errors: [...error.errors] }),
  };
}

export const problemContentType = 'application/problem+json';

/**
 * Sends a problem. 5xx are logged with their cause: 503 as a warning, since a part being away is expected and somebody
 * else's line tells why; 4xx at debug, since the caller is told everything.
 */
export function sendProblem(
  reply: FastifyReply,
  error: unknown,
  context: { instance?: string; trace?: string; log: Log },
): FastifyReply {
  const refused = toProblemError(error);
  if (refused.status === 503)
    context.log.warn({ status: refused.status, cause: String(refused.cause ?? '') }, refused.message);
  else if (refused.status >= 500)
    context.log.error({ status: refused.status, error: refused.cause ?? refused }, refused.message);
  else context.log.debug({ status: refused.status, errors: refused.errors }, refused.message);
  if (refused.retryAfterSeconds !== undefined) reply.header('retry-after', String(refused.retryAfterSeconds));
  return (
    reply
      .code(refused.status)
      .header('content-type', problemContentType)
      .header('cache-control', 'no-store')
      // As bytes: to text fastify would add a charset, which RFC 9457's media type does not have.
      .send(Buffer.from(JSON.stringify(problemBody(refused, context))))
  );
}

/** Makes every failure of an app, its own and fastify's, a problem: thrown errors and routes that do not exist. */
export function answerWithProblems(
  app: FastifyInstance,
  contextOf: (request: FastifyRequest) => { trace: string; log: Log },
): void {
  const context = (request: FastifyRequest) => ({ instance: pathOf(request), ...contextOf(request) });
  app.setErrorHandler((error, request, reply) => sendProblem(reply, error, context(request)));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      problem(404, 'No such route', `there is no ${request.method} ${pathOf(request)}`),
      context(request),
    ),
  );
}

/** Path without the query: a query may hold what does not belong in an answer or a log. */
function pathOf(request: FastifyRequest): string {
  return (request.url.split('?', 1)[0] ?? '').slice(0, 1_024);
}

function fastifyCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('FST_') ? code : undefined;
}

/** Fastify's own refusals in our words (https://fastify.dev/docs/latest/Reference/Errors/). */
const fastifyProblems: Record<string, { status: number; title: string; detail: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    title: 'Unsupported media type',
    detail: 'allowed is content-type: application/json',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, title: 'Body too large', detail: 'the body is larger than allowed here' },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    status: 400,
    title: 'Empty body',
    detail: 'the body is empty; allowed is a JSON object, {} at the least',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, title: 'Malformed body', detail: 'the body is not valid JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    title: 'Malformed body',
    detail: 'the body is not as long as content-length says',
  },
  FST_ERR_BAD_URL: { status: 400, title: 'Malformed path', detail: 'the path has a % that begins no escape' },
  FST_ERR_HANDLER_TIMEOUT: {
    status: 503,
    title: 'Too slow',
    detail: 'the answer was not ready in time; ask for less, or try again',
  },
};
