import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Operation } from '../../contracts/http/operation.ts';
import { UpstreamAway } from '../../platform/http/client.ts';
import { problem, problemBody, problemContentType, sendProblem } from '../../platform/http/problem.ts';
import { AccessRefused } from '../access/authorize.ts';
import { TooManyLogins } from '../identity/secrets.ts';
import { contextOf } from './context.ts';

/** Makes every refusal a problem: what handlers throw, what fastify throws, and what has no route. */
export function answerRefusals(app: FastifyInstance, operations: readonly Operation[]): void {
  app.setErrorHandler((error, request, reply) => refuse(error, request, reply));
  app.setNotFoundHandler((request, reply) => refuseUnknown(operations, request, reply));
}

/** 404 for a path that the table has not, 405 with `Allow` for one that it has with other methods. */
export function refuseUnknown(
  operations: readonly Operation[],
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const path = pathOf(request);
  const allowed = allowedMethods(operations, path);
  if (allowed.length === 0)
    return refuse(problem(404, 'No such route', `there is no ${path}; /openapi.json lists what is`), request, reply);
  reply.header('allow', allowed.join(', '));
  const detail = `${path} has no ${request.method}; allowed are ${allowed.join(', ')}`;
  return refuse(problem(405, 'Method not allowed', detail), request, reply);
}

export function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { trace, log } = contextOf(request);
  const context = { instance: pathOf(request), trace, log };
  if (error instanceof AccessRefused) {
    reply.header('www-authenticate', error.challenge);
    return sendProblem(reply, problem(error.status, accessTitles[error.status], error.message), context);
  }
  if (error instanceof UpstreamAway) {
    log.warn({ part: error.part, reason: error.reason }, 'a part did not answer');
    const detail = `${error.part} does not answer now; try again in ${error.retryAfter} s`;
    return sendProblem(
      reply,
      problem(503, 'Part away', detail, { retryAfterSeconds: error.retryAfter, cause: error }),
      context,
    );
  }
  if (error instanceof TooManyLogins)
    return sendProblem(
      reply,
      problem(503, 'Busy', 'too many log-ins at once; try again in 5 s', { retryAfterSeconds: 5, cause: error }),
      context,
    );
  return sendProblem(reply, error, context);
}

const accessTitles = { 401: 'Not authenticated', 403: 'Not allowed' } as const;

/** Methods that the table has for a path; HEAD goes with GET. */
export function allowedMethods(operations: readonly Operation[], path: string): string[] {
  const methods = operations
    .filter((operation) => patternOf(operation.path).test(path))
    .map((operation) => operation.method);
  return [...new Set<string>(methods)].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).sort();
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/[.]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

export function pathOf(request: FastifyRequest): string {
  return (request.url.split('?', 1)[0] ?? '').slice(0, 1_024);
}

/** Statuses of requests that Node's parser gives up on, before there is a route. */
const parserRefusals: Record<string, { status: number; title: string; detail: string }> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    title: 'Request Header Fields Too Large',
    detail: 'request line and headers have 16 KiB at most',
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, title: 'Request Timeout', detail: 'the request did not arrive in time' },
};

/** The raw answer to bytes that are no HTTP request. The connection ends with it: what follows can not be trusted. */
export function parserRefusal(code: string | undefined): string {
  const { status, title, detail } = parserRefusals[code ?? ''] ?? {
    status: 400,
    title: 'Bad Request',
    detail: 'this is not a request of HTTP/1.1',
  };
  const body = JSON.stringify(problemBody(problem(status, title, detail), {}));
  return `HTTP/1.1 ${status} ${title}\r\ncontent-type: ${problemContentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}
