import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  decorrelatedJitterGenerator,
  ExponentialBackoff,
  handleWhen,
  retry,
  wrap,
} from 'cockatiel';
import { callerHeaders } from '../../contracts/http/index.ts';
import type { ServiceToken } from '../identity/service-token.ts';
import type { Log } from '../service/log.ts';
import type { Tracing } from '../service/trace.ts';

/** Bounds of calls to one service. Times in milliseconds. */
export type UpstreamSettings = {
  /** Name of the part, as the caller may see it: `devices`. */
  name: string;
  /** Base URL; calls go to it plus the call's path. */
  url: string;
  /** Proves to it who calls. */
  identity: ServiceToken;
  /** From start of the call to the last byte of the answer, one attempt. Default 10 s. */
  timeoutMs?: number;
  /** Calls at once; as many more may wait. Default 64. */
  concurrent?: number;
  /** Largest answer. Default 32 MiB. */
  answerBytes?: number;
};

/** For whom the service is asked, in the caller headers. */
export type Caller = { tenant: string; subject: string; scopes: readonly string[]; traceparent?: string | undefined };

export type UpstreamCall = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query below the base URL; the caller has encoded it. */
  path: string;
  caller: Caller;
  /** JSON text. */
  body?: string | undefined;
  /** Headers of the operation, lower-case. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** For this call, where it may take another time than the others; milliseconds. */
  timeoutMs?: number | undefined;
  /** Aborts the call when nobody waits for it any more. */
  signal?: AbortSignal | undefined;
};

export type UpstreamAnswer = { status: number; headers: IncomingMessage['headers']; body: Buffer };

/**
 * The service did not answer: it is away, too slow, or its breaker is open. `reason` is for logs; a caller outside
 * learns the part's name and when to come back, nothing else.
 */
export class UpstreamAway extends Error {
  readonly part: string;
  readonly reason: string;
  /** Seconds until another try makes sense. */
  readonly retryAfter: number;
  /** Nothing of the request reached the service, so that any method may be repeated. */
  readonly unsent: boolean;
  constructor(part: string, reason: string, options: { retryAfter?: number; unsent?: boolean; cause?: unknown } = {}) {
    super(`${part} did not answer: ${reason}`, { cause: options.cause });
    this.name = 'UpstreamAway';
    this.part = part;
    this.reason = reason;
    this.retryAfter = options.retryAfter ?? 1;
    this.unsent = options.unsent ?? false;
  }
}

export type Upstream = {
  /** @throws UpstreamAway; an answer of any status is an answer. */
  call(call: UpstreamCall): Promise<UpstreamAnswer>;
  /** `open` while calls are refused at once. */
  circuit(): 'closed' | 'open';
  close(): void;
};

/** A call may be repeated when nothing was sent, or when the method promises that twice is as good as once. */
const repeatable: ReadonlySet<string> = new Set(['GET', 'PUT', 'DELETE']);
/** Nobody waits any more: no fault of the part, and no reason to try again. */
const callerGone = 'caller gone';
const breakAfterFailures = 8;
const probeAfterMs = 1_000;

/**
 * Calls to one service over kept-alive connections: bulkhead, then breaker, then up to two repeats with jitter where
 * repeating is safe, each attempt with its own deadline. A call of a sampled trace is one span, repeats included, and
 * the service's own span is its child.
 */
export function createUpstream(settings: UpstreamSettings, log: Log, tracing?: Tracing): Upstream {
  const { name, timeoutMs = 10_000, concurrent = 64, answerBytes = 32 * 1024 * 1024 } = settings;
  const base = new URL(settings.url);
  const agentOptions = { keepAlive: true, maxSockets: concurrent, maxFreeSockets: concurrent, timeout: 60_000 };
  const agent = base.protocol === 'https:' ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);

  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof UpstreamAway && error.reason !== callerGone),
    { halfOpenAfter: probeAfterMs, breaker: new ConsecutiveBreaker(breakAfterFailures) },
  );
  breaker.onBreak(() => log.warn({ part: name }, 'circuit opened: the part does not answer'));
  breaker.onReset(() => log.info({ part: name }, 'circuit closed: the part answers again'));
  const limit = bulkhead(concurrent, concurrent);
  const backoff = () =>
    new ExponentialBackoff({ generator: decorrelatedJitterGenerator, initialDelay: 25, maxDelay: 250 });
  const whenRepeatable = retry(
    handleWhen((error) => error instanceof UpstreamAway && error.reason !== 'timeout' && error.reason !== callerGone),
    { maxAttempts: 2, backoff: backoff() },
  );
  const whenUnsent = retry(
    handleWhen((error) => error instanceof UpstreamAway && error.unsent),
    { maxAttempts: 2, backoff: backoff() },
  );
  const policies = { repeatable: wrap(limit, whenRepeatable, breaker), once: wrap(limit, whenUnsent, breaker) };

  return {
    async call(call) {
      const { method, caller } = call;
      const span = tracing?.spanFor(
        `${method} ${name}`,
        { traceparent: caller.traceparent },
        { 'http.request.method': method, 'server.address': base.hostname },
        { kind: 'client' },
      );
      if (span === undefined) return policed(call);
      try {
        const answer = await policed({ ...call, caller: { ...caller, traceparent: span.traceparent } });
        span.end(answer.status >= 400 ? `answered ${answer.status}` : undefined, {
          'http.response.status_code': answer.status,
        });
        return answer;
      } catch (error) {
        span.end(error);
        throw error;
      }
    },
    circuit: () => (breaker.state === CircuitState.Closed ? 'closed' : 'open'),
    close: () => agent.destroy(),
  };

  async function policed(call: UpstreamCall): Promise<UpstreamAnswer> {
    const policy = repeatable.has(call.method) ? policies.repeatable : policies.once;
    try {
      return await policy.execute(() => identified(call));
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw new UpstreamAway(name, 'circuit open', { cause: error });
      if (error instanceof BulkheadRejectedError) throw new UpstreamAway(name, 'too many calls', { cause: error });
      throw error;
    }
  }

  /** A token that is refused may have ended while this machine slept: the next one is read anew, once. */
  async function identified(call: UpstreamCall): Promise<UpstreamAnswer> {
    const token = await tokenOf();
    const answer = await attempt(call, token);
    if (answer.status !== 401) return answer;
    settings.identity.forget();
    const next = await tokenOf();
    return next === token ? answer : await attempt(call, next);
  }

  async function tokenOf(): Promise<string> {
    try {
      return await settings.identity.current();
    } catch (error) {
      throw new UpstreamAway(name, (error as Error).message, { cause: error, unsent: true });
    }
  }

  function attempt(call: UpstreamCall, token: string): Promise<UpstreamAnswer> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = {
        ...call.headers,
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        [callerHeaders.tenant]: call.caller.tenant,
        [callerHeaders.subject]: call.caller.subject,
        [callerHeaders.scopes]: call.caller.scopes.join(' '),
      };
      if (call.caller.traceparent !== undefined) headers[callerHeaders.trace] = call.caller.traceparent;
      if (call.body !== undefined) {
        headers['content-type'] = 'application/json';
        headers['content-length'] = String(Buffer.byteLength(call.body));
      }
      const send = base.protocol === 'https:' ? httpsRequest : httpRequest;
      const request: ClientRequest = send({
        host: base.hostname,
        port: base.port === '' ? undefined : Number(base.port),
        method: call.method,
        path: `${base.pathname.replace(/\/$/, '')}${call.path}`,
        headers,
        agent,
      });
      let connected = false;
      const deadline = setTimeout(() => fail('timeout'), call.timeoutMs ?? timeoutMs);
      const abort = () => fail(callerGone);
      const settle = () => {
        clearTimeout(deadline);
        call.signal?.removeEventListener('abort', abort);
      };
      const fail = (reason: string, cause?: unknown) => {
        settle();
        reject(new UpstreamAway(name, reason, { cause, unsent: !connected }));
        request.destroy();
      };
      request.once('socket', (socket) => {
        if (!socket.connecting) connected = true;
        else socket.once('connect', () => (connected = true));
      });
      // `on`, not `once`: destroying the request after a failure may raise one more, which nobody else would hear.
      request.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message, error));
      if (call.signal?.aborted === true) return fail(callerGone);
      call.signal?.addEventListener('abort', abort, { once: true });
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > answerBytes) return fail(`answer over ${answerBytes} bytes`);
          chunks.push(chunk);
        });
        response.once('error', (error) => fail('answer cut off', error));
        response.once('end', () => {
          settle();
          resolve({ status: response.statusCode ?? 502, headers: response.headers, body: Buffer.concat(chunks) });
        });
      });
      request.end(call.body);
    });
  }
}
