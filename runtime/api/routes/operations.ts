import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Operation } from '../../contracts/http/operation.ts';
import { defaultTenant } from '../../contracts/identifiers.ts';
import type { Upstream } from '../../platform/http/client.ts';
import { problem } from '../../platform/http/problem.ts';
import { validateRequest } from '../../platform/http/validate.ts';
import { authorize } from '../access/authorize.ts';
import type { Principal } from '../access/principal.ts';
import type { TokenVerifier } from '../access/token-verifier.ts';
import { addressKey, rateLimitHeaders, retryAfterSeconds } from '../limits/headers.ts';
import type { Limit, RateLimits } from '../limits/rate-limits.ts';
import type { TenantQuotas } from '../limits/tenant-quotas.ts';
import { contextOf } from './context.ts';
import { forward } from './forward.ts';
import { isAcceptable, parseQuery } from './query.ts';

/** An operation that the gateway answers itself: the body of its success, or the reply that it wrote on its own. */
export type OwnHandler = (asked: {
  principal: Principal;
  /** As the operation's row made them. */
  params: unknown;
  query: unknown;
  body: unknown;
  request: FastifyRequest;
  reply: FastifyReply;
}) => Promise<unknown>;

export type OperationDependencies = {
  verifier: TokenVerifier;
  limits: RateLimits;
  clientLimit: Limit;
  quotas: Pick<TenantQuotas, 'requestsOf'>;
  /** For an address that enrols devices. */
  enrolmentLimit: Limit;
  upstreams: Record<'devices' | 'telemetry', Upstream>;
  /** The devices service again, for calls that wait: they take no place from those that do not. */
  waiting: Upstream;
  /** By operation id, for `service: 'api'`. */
  own: Record<string, OwnHandler>;
};

/** A forwarded answer must be here within this time; the stream, which has no end, is excepted. Milliseconds. */
const handlerMs = 15_000;
/** What a waiting call takes beside its wait. */
const waitMarginMs = 8_000;

/** The public interface: one route for each row of the table, each by the same steps. */
export function addOperations(
  app: FastifyInstance,
  operations: readonly Operation[],
  dependencies: OperationDependencies,
): void {
  for (const operation of operations) {
    const streaming = operation.success.contentType === 'text/event-stream';
    if (operation.service === 'api' && dependencies.own[operation.id] === undefined)
      throw new Error(`operation ${operation.id} has no handler in the API gateway`);
    app.route({
      method: operation.method,
      url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      config: { operation: operation.id },
      exposeHeadRoute: operation.method === 'GET' && !streaming,
      ...(streaming ? {} : { handlerTimeout: handlerMs + 1_000 * (operation.waitSeconds ?? 0) }),
      ...(operation.bodyBytes === undefined ? {} : { bodyLimit: operation.bodyBytes }),
      handler: (request, reply) => answer(operation, dependencies, request, reply),
    });
  }
}

async function answer(
  operation: Operation,
  dependencies: OperationDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const principal = await admit(operation, dependencies, request, reply);
  const contentType = operation.success.contentType ?? 'application/json';
  requireAcceptable(request, contentType);
  requireBodyType(request, operation);
  const query = parseQuery(request.url);
  const { params, headers } = request;
  const valid = validateRequest(operation, { params, query, headers, body: request.body });
  if (operation.service === 'api') {
    const own = dependencies.own[operation.id] as OwnHandler;
    const body = await own({ principal, ...valid, request, reply });
    if (body === reply) return reply;
    return reply.code(operation.success.status).header('cache-control', 'no-store').send(body);
  }
  const waitMs = 1_000 * Number((valid.query as { wait?: number } | undefined)?.wait ?? 0);
  const upstream = waitMs > 0 ? dependencies.waiting : dependencies.upstreams[operation.service];
  const { body, etag } = await forward(upstream, {
    operation,
    principal,
    params: params as Record<string, string>,
    query,
    headers: valid.headers as Record<string, string> | undefined,
    body: valid.body,
    ...(waitMs > 0 ? { timeoutMs: waitMs + waitMarginMs } : {}),
    traceparent: contextOf(request).traceparent,
    signal: untilCallerLeaves(reply),
  });
  if (etag !== undefined) reply.header('etag', etag);
  return reply
    .code(operation.success.status)
    .header('content-type', contentType)
    .header('cache-control', 'no-store')
    .send(body);
}

/** Who asks, within their limit. Who needs no token is limited by address, harder than by that of all requests. */
async function admit(
  { scope }: Operation,
  dependencies: OperationDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Principal> {
  if (scope === null) {
    await limitEnrolment(dependencies, request);
    return anybody;
  }
  const principal = await authorize(dependencies.verifier, request.headers.authorization, { scope });
  await limitClient(dependencies, principal, reply);
  return principal;
}

/** Named like every caller; what such an operation does follows from its body alone. */
const anybody: Principal = {
  subject: 'anybody',
  client: 'anybody',
  tenant: defaultTenant,
  role: null,
  scopes: [],
  expiresAt: 0,
};

/** @throws ProblemError 429 */
export async function limitEnrolment(
  { limits, enrolmentLimit }: Pick<OperationDependencies, 'limits' | 'enrolmentLimit'>,
  request: FastifyRequest,
): Promise<void> {
  const taken = await limits.take('enrolment', addressKey(request.ip), enrolmentLimit);
  if (!taken.allowed) throw tooMany('address', retryAfterSeconds(taken));
}

/**
 * Aborts when the connection ends before the answer. Not Fastify's `request.signal`: that one follows the request's own
 * `close`, which Node raises as soon as a body has been read, so every POST would look abandoned.
 */
function untilCallerLeaves(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return controller.signal;
}

/**
 * By client and subject together: one dashboard user does not use up another's share, nor a machine a person's. Then by
 * tenant, where it has a quota.
 */
async function limitClient(
  { limits, clientLimit, quotas }: OperationDependencies,
  principal: Principal,
  reply: FastifyReply,
): Promise<void> {
  const taken = await limits.take(
    'client',
    `${principal.tenant}/${principal.client}/${principal.subject}`,
    clientLimit,
  );
  reply.headers(rateLimitHeaders('client', clientLimit, taken));
  if (!taken.allowed) throw tooMany('client', retryAfterSeconds(taken));
  const quota = quotas.requestsOf(principal.tenant);
  if (quota === undefined) return;
  const shared = await limits.take('tenant', principal.tenant, quota);
  if (shared.allowed) return;
  reply.headers(rateLimitHeaders('tenant', quota, shared));
  throw tooMany('tenant', retryAfterSeconds(shared));
}

export function tooMany(what: string, seconds: number) {
  return problem(429, 'Too many requests', `the limit of this ${what} is used up; try again in ${seconds} s`, {
    retryAfterSeconds: seconds,
  });
}

function requireBodyType(request: FastifyRequest, { bodyType }: Operation): void {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === undefined || type === 'application/json' || type === bodyType) return;
  const allowed = ['application/json', ...(bodyType === undefined ? [] : [bodyType])].join(' or ');
  throw problem(415, 'Unsupported media type', `allowed is content-type: ${allowed}`);
}

function requireAcceptable(request: FastifyRequest, type: string): void {
  if (isAcceptable(request.headers.accept, type)) return;
  throw problem(406, 'Not acceptable', `this answers ${type} only; Accept must allow it`);
}
