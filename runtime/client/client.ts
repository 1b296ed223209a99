import { ApiError, ApiUnreachable } from './errors.ts';
import { operations } from './generated/operations.ts';
import type { operations as Shapes } from './generated/schema.ts';

/** An operation of the API that answers with JSON or nothing; a stream is asked for by `request`. */
export type OperationId = keyof typeof operations;

type Parameters<Id extends OperationId, Where extends string> = Shapes[Id]['parameters'] extends {
  [W in Where]?: infer P;
}
  ? Exclude<P, undefined>
  : never;
/** `field` of the input: required, optional or not there, as the document says. */
type Field<Name extends string, Value> = [Value] extends [never]
  ? { [N in Name]?: undefined }
  : Partial<Value> extends Value
    ? { [N in Name]?: Unset<Value> }
    : { [N in Name]: Unset<Value> };
/** A value that is left out may also be there and undefined. */
type Unset<T> = { [K in keyof T]: T[K] | (undefined extends T[K] ? undefined : never) };
type JsonBody<Id extends OperationId> = Shapes[Id] extends {
  requestBody: { content: { 'application/json': infer B } };
}
  ? { body: B; contentType?: undefined }
  : Shapes[Id] extends { requestBody: { content: infer C } }
    ? { body: BodyInit; contentType: keyof C & string }
    : { body?: undefined; contentType?: undefined };

/** What an operation is asked with. */
export type Input<Id extends OperationId> = Field<'params', Parameters<Id, 'path'>> &
  Field<'query', Parameters<Id, 'query'>> &
  Field<'headers', Parameters<Id, 'header'>> &
  JsonBody<Id> & {
    signal?: AbortSignal;
    /** Milliseconds for this call alone, for instance one that waits for a result. */
    answerWithinMs?: number;
  };
/** Input that may be left out altogether. */
type Arguments<Id extends OperationId> = Record<never, never> extends Input<Id> ? [Input<Id>?] : [Input<Id>];

type Success<R> = R extends { 200: infer S }
  ? S
  : R extends { 201: infer S }
    ? S
    : R extends { 202: infer S }
      ? S
      : never;
/** What an operation answers with when it succeeds; undefined for 204. */
export type Answer<Id extends OperationId> =
  Success<Shapes[Id]['responses']> extends {
    content: { 'application/json': infer A };
  }
    ? A
    : undefined;

export type ClientOptions = {
  /** Root of the API, as `https://api.example.com`. */
  url: string;
  /** A bearer token; asked before every request, so the supplier caches. */
  token: () => Promise<string>;
  /** Time for an answer to begin, milliseconds. Default 30,000. */
  answerWithinMs?: number;
  /** How often a call is made again when the rate limit is full, each time after what `Retry-After` says. Default 0. */
  triesWhenLimited?: number;
  fetch?: typeof globalThis.fetch;
  sleep?: (ms: number) => Promise<void>;
};

export type Client = {
  url: string;
  /**
   * Calls an operation and reads its JSON.
   * @throws ApiError when the API refuses; ApiUnreachable when nobody answers.
   */
  call<Id extends OperationId>(id: Id, ...input: Arguments<Id>): Promise<Answer<Id>>;
  /** The same, with the answer as it comes: for streams, files and headers. */
  request<Id extends OperationId>(id: Id, ...input: Arguments<Id>): Promise<Response>;
};

/** The parts of any operation's input, as the request is made of them. */
type AnyInput = {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  headers?: Record<string, unknown>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
  answerWithinMs?: number;
};

const longestWaitSeconds = 60;

/** A client of the platform's API for Node and browsers, by operation id; what it takes and answers is made from the OpenAPI document. */
export function createClient(options: ClientOptions): Client {
  const { url, token, answerWithinMs = 30_000, triesWhenLimited = 0 } = options;
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const sleep = options.sleep ?? ((ms) => new Promise<void>((done) => setTimeout(done, ms)));

  return {
    url,
    request: (id, ...[input]) => send(id, (input ?? {}) as AnyInput),
    async call(id, ...[input]) {
      const response = await send(id, (input ?? {}) as AnyInput);
      return (response.status === 204 ? undefined : await response.json()) as never;
    },
  };

  async function send(id: OperationId, input: AnyInput): Promise<Response> {
    const { method, path, accept } = operations[id];
    const target = addressOf(url, path, input);
    for (let attempt = 0; ; attempt++) {
      const headers = { authorization: `Bearer ${await token()}`, accept, ...headersOf(input) };
      const response = await answered(target, { method, headers, ...bodyOf(input) }, input);
      if (response.status === 429 && attempt < triesWhenLimited) {
        await response.body?.cancel();
        await sleep(
          1_000 * Math.min(longestWaitSeconds, Math.max(1, Number(response.headers.get('retry-after')) || 1)),
        );
        continue;
      }
      if (!response.ok) throw await ApiError.of(`${method} ${path}`, response);
      return response;
    }
  }

  async function answered(target: URL, init: RequestInit, input: AnyInput): Promise<Response> {
    // The deadline is for the head alone: a stream may last.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), input.answerWithinMs ?? answerWithinMs);
    const signal = input.signal === undefined ? late.signal : AbortSignal.any([late.signal, input.signal]);
    try {
      return await fetch(target, { ...init, signal });
    } catch (cause) {
      if (input.signal?.aborted) throw cause;
      throw new ApiUnreachable(url, late.signal.aborted ? 'no answer in time' : reasonOf(cause), { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

function addressOf(base: string, path: string, { params = {}, query = {} }: AnyInput): URL {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name] ?? '')));
  const target = new URL(`${base.replace(/\/+$/, '')}${filled}`);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) target.searchParams.set(name, String(value));
  return target;
}

function headersOf({ headers = {}, body, contentType }: AnyInput): Record<string, string> {
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return {
    ...Object.fromEntries(given),
    ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
  };
}

function bodyOf({ body, contentType }: AnyInput): RequestInit {
  if (body === undefined) return {};
  return contentType === undefined
    ? { body: JSON.stringify(body) }
    : // Node's fetch sends a stream only when told that the answer comes after it.
      ({ body: body as BodyInit, duplex: 'half' } as RequestInit);
}

/** Fetch says `fetch failed`; the reason is one level down. */
export function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message: string };
  return cause?.code ?? cause?.message ?? message;
}
