import { setTimeout as sleep } from 'node:timers/promises';
import { type AccessTokens, accessTokens } from './access-tokens.ts';

/** Google's REST APIs that services call; Pub/Sub and the SQL connector have clients of their own. */
export type GoogleApi = 'cloudkms' | 'privateca' | 'secretmanager' | 'firestore';

export type GoogleCall = {
  api: GoogleApi;
  method: 'GET' | 'POST' | 'DELETE';
  /** Below the host, with version, without a leading slash; parts from outside are encoded by the caller. */
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  /**
   * Whether doing it twice is as good as once (a read, a signature, a call with a request id). If not, only an answer
   * that says that nothing was done leads to another try.
   */
  repeatable: boolean;
};

/** An answer other than 2xx, or none. Carries no token and no body of ours. */
export class GoogleError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Google's own code, as `PERMISSION_DENIED`; empty when there was none. */
  readonly reason: string;
  constructor(what: string, status: number, reason: string, said: string, cause?: unknown) {
    super(
      `${what} ${status === 0 ? 'had no answer' : `answered ${status}${reason === '' ? '' : ` ${reason}`}`}: ${said}`,
      {
        cause,
      },
    );
    this.name = 'GoogleError';
    this.status = status;
    this.reason = reason;
  }
}

export type Google = {
  tokens: AccessTokens;
  /** The answer's JSON. @throws GoogleError */
  call(call: GoogleCall): Promise<unknown>;
};

export type GoogleOptions = {
  /** A test server on this machine instead of Google (IOT_GOOGLE_ENDPOINT). */
  endpoint?: string | undefined;
  tokens?: AccessTokens;
  clock?: () => number;
  random?: () => number;
  /** Bounds, milliseconds: one attempt, all attempts together, first and longest pause between two. */
  bounds?: Partial<typeof defaultBounds>;
};

const defaultBounds = { attempts: 4, attemptMs: 5_000, totalMs: 15_000, firstPauseMs: 100, longestPauseMs: 2_000 };
const answerBytes = 4 * 1024 * 1024;
/** Answers that say come back later; 429 and 503 also say that nothing was done. */
const passing: ReadonlySet<number> = new Set([0, 408, 429, 500, 502, 503, 504]);
const undone: ReadonlySet<number> = new Set([429, 503]);

/** One process' way to Google's REST APIs: token, deadline, bounded retries, errors that say what was asked of whom. */
export function connectGoogle(options: GoogleOptions = {}): Google {
  const { endpoint, clock = Date.now, random = Math.random } = options;
  const tokens = options.tokens ?? accessTokens(endpoint, clock);
  const bounds = { ...defaultBounds, ...options.bounds };

  async function call(asked: GoogleCall): Promise<unknown> {
    const deadline = clock() + bounds.totalMs;
    let replaced = false;
    for (let attempt = 1; ; attempt++) {
      const { token } = await currentToken(tokens, asked);
      const result = await once(asked, token, endpoint, Math.min(bounds.attemptMs, deadline - clock()));
      if (result.error === undefined) return result.json;
      const { error } = result;
      // The token was fine when it was made: it was revoked, or the clock of this machine is late.
      const mayRenew = error.status === 401 && !replaced;
      const mayRepeat = passing.has(error.status) && (asked.repeatable || undone.has(error.status));
      if (attempt >= bounds.attempts || !(mayRenew || mayRepeat)) throw error;
      if (mayRenew) {
        replaced = true;
        await tokens.replace(token);
        continue;
      }
      const pause = Math.max(
        result.retryAfterMs,
        random() * Math.min(bounds.longestPauseMs, bounds.firstPauseMs * 2 ** (attempt - 1)),
      );
      if (clock() + pause >= deadline) throw error;
      await sleep(pause);
    }
  }
  return { tokens, call };
}

async function currentToken(tokens: AccessTokens, asked: GoogleCall) {
  try {
    return await tokens.current();
  } catch (error) {
    const said = `no access token (${error instanceof Error ? error.message : String(error)})`;
    throw new GoogleError(nameOf(asked), 0, '', said, error);
  }
}

type Result =
  | { json: unknown; error?: undefined }
  | { error: GoogleError /** 0 when the answer names no time. */; retryAfterMs: number };

async function once(asked: GoogleCall, token: string, endpoint: string | undefined, ms: number): Promise<Result> {
  const url = new URL(asked.path, endpoint ?? `https://${asked.api}.googleapis.com`);
  for (const [name, value] of Object.entries(asked.query ?? {})) url.searchParams.set(name, value);
  try {
    const response = await fetch(url, {
      method: asked.method,
      redirect: 'error', // a redirect would carry the token to who knows where
      signal: AbortSignal.timeout(Math.max(1, ms)),
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(asked.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
    });
    const text = await boundedText(response);
    if (response.ok) return { json: parsed(text, asked) };
    const { reason, message } = googleSays(text);
    const error = new GoogleError(nameOf(asked), response.status, reason, message || response.statusText);
    const after = Number(response.headers.get('retry-after') ?? 0);
    return { error, retryAfterMs: Number.isFinite(after) ? after * 1_000 : 0 };
  } catch (error) {
    if (error instanceof GoogleError) return { error, retryAfterMs: 0 };
    const { message, cause } = error as Error & { cause?: Error };
    return { error: new GoogleError(nameOf(asked), 0, '', cause?.message ?? message, error), retryAfterMs: 0 };
  }
}

const nameOf = ({ api, method, path }: GoogleCall) => `Google ${api}: ${method} ${path}`;

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytes) throw new Error(`the answer is longer than ${answerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parsed(text: string, asked: GoogleCall): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GoogleError(nameOf(asked), 0, '', 'the answer is no JSON', error);
  }
}

/** Google's error body (https://cloud.google.com/apis/design/errors#http_mapping); a proxy's is another. */
function googleSays(text: string): { reason: string; message: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { status?: unknown; message?: unknown } };
    return { reason: String(error?.status ?? ''), message: String(error?.message ?? '').slice(0, 300) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { reason: '', message: '' };
  }
}
