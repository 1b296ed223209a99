type Json = Record<string, unknown>;

/** Headers that answers share. */
export const headers: Json = {
  RateLimit: {
    description: 'What is left of the limit `client`: `r` requests; the whole quota is back in `t` seconds',
    required: true,
    schema: { type: 'string', pattern: '^"client";r=[0-9]+;t=[0-9]+$' },
    example: '"client";r=99;t=1',
  },
  RateLimitPolicy: {
    description: 'The limit by client: `q` requests in `w` seconds',
    required: true,
    schema: { type: 'string', pattern: '^"client";q=[0-9]+;w=[0-9]+$' },
    example: '"client";q=100;w=1',
  },
  ETag: {
    description: 'Version of what is answered; `If-Match` takes it',
    required: true,
    schema: { type: 'string', pattern: '^"[0-9]+"$' },
    example: '"7"',
  },
  RetryAfter: {
    description: 'Seconds after which another try makes sense',
    required: true,
    schema: { type: 'integer', minimum: 1 },
    example: 1,
  },
  WwwAuthenticate: {
    description: 'Challenge of RFC 6750 that says what is wrong with the token',
    required: true,
    schema: { type: 'string' },
    example: 'Bearer realm="iot-platform", error="invalid_token", error_description="the token has expired"',
  },
};

const retry = { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } };
const challenge = { 'WWW-Authenticate': { $ref: '#/components/headers/WwwAuthenticate' } };

const texts: Record<number, { title: string; when: string; detail: string; headers?: Json }> = {
  400: {
    title: 'Invalid request',
    when: 'The path, the query or the body breaks its schema; each wrong field is named',
    detail: 'query.limit: Too big: expected number to be <=500; it is "501"',
  },
  401: {
    title: 'Not authenticated',
    when: 'There is no access token, or it is not good',
    detail: 'the token has expired',
    headers: challenge,
  },
  403: {
    title: 'Not allowed',
    when: "The token lacks the operation's scope",
    detail: 'the token lacks the scope devices:write',
    headers: challenge,
  },
  404: { title: 'Not found', when: 'There is no such thing in this tenant', detail: "there is no device 'x-1'" },
  406: {
    title: 'Not acceptable',
    when: 'Accept excludes the only media type that this answers',
    detail: 'this answers application/json only; Accept must allow it',
  },
  409: { title: 'Conflict', when: 'It clashes with what exists', detail: "device 'thermostat-0001' exists already" },
  412: { title: 'Precondition failed', when: 'It changed meanwhile', detail: 'the version is 4, not 3' },
  413: {
    title: 'Body too large',
    when: 'The body is larger than allowed',
    detail: 'the body is larger than allowed here',
  },
  415: {
    title: 'Unsupported media type',
    when: 'The body is not JSON',
    detail: 'allowed is content-type: application/json',
  },
  422: {
    title: 'Not possible',
    when: 'The body is well formed but can not be done',
    detail: 'body.transform.temperature: the expression does not compile',
  },
  429: {
    title: 'Too many requests',
    when: 'A rate limit is used up',
    detail: 'the limit of this client is used up; try again in 1 s',
    headers: retry,
  },
  500: {
    title: 'Internal error',
    when: 'Our fault; the trace id finds the log lines',
    detail: 'the trace id finds the log lines of this request',
  },
  503: {
    title: 'Part away',
    when: 'A part of the platform does not answer now',
    detail: 'devices does not answer now; try again in 1 s',
    headers: retry,
  },
};

/** `components.responses`: one problem a status, the same for all operations. */
export const problemResponses: Json = Object.fromEntries(
  Object.entries(texts).map(([status, { title, when, detail, headers: own }]) => [
    `Problem${status}`,
    {
      description: when,
      ...(own === undefined ? {} : { headers: own }),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          example: { type: 'about:blank', title, status: Number(status), detail },
        },
      },
    },
  ]),
);
