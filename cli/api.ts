import type { z } from 'zod';
import type { deviceOperations } from '../runtime/contracts/http/devices.ts';
import { operations } from '../runtime/contracts/http/index.ts';
import type { Problem } from '../runtime/contracts/http/operation.ts';
import type { platformOperations } from '../runtime/contracts/http/platform.ts';
import type { telemetryOperations } from '../runtime/contracts/http/telemetry.ts';
import { CommandError } from './errors.ts';

type KnownOperation =
  | (typeof deviceOperations)[number]
  | (typeof telemetryOperations)[number]
  | (typeof platformOperations)[number];
export type OperationId = KnownOperation['id'];
type Of<Id extends OperationId> = Extract<KnownOperation, { id: Id }>;
/** What an operation answers, as its contract says. */
export type Answer<Id extends OperationId> = Of<Id>['success'] extends { body: infer B extends z.ZodType }
  ? z.output<B>
  : undefined;

export type CallInput = {
  params?: Record<string, string>;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
};

/** The platform's public API, by operation id; paths come from the contract. */
export type Api = { url: string; call<Id extends OperationId>(id: Id, input?: CallInput): Promise<Answer<Id>> };

/** The API refused: its own problem, in one sentence. */
export class ApiError extends CommandError {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

const answerWithinMs = 30_000;
const triesWhenLimited = 5;

export function createApi(options: {
  url: string;
  /** A bearer token; asked before every call, so the supplier caches. */
  token: () => Promise<string>;
  fetch?: typeof globalThis.fetch;
  sleep?: (ms: number) => Promise<void>;
}): Api {
  const { url, token, fetch = globalThis.fetch, sleep = (ms) => new Promise((done) => setTimeout(done, ms)) } = options;

  return {
    url,
    async call(id, input = {}) {
      const operation = operations.find((o) => o.id === id);
      if (operation === undefined) throw new Error(`no operation ${id} in the contract`);
      const target = addressOf(url, operation.path, input);
      for (let attempt = 1; ; attempt++) {
        const response = await send(target, {
          method: operation.method,
          headers: {
            authorization: `Bearer ${await token()}`,
            accept: 'application/json',
            ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
        });
        if (response.status === 429 && attempt < triesWhenLimited) {
          await response.body?.cancel();
          await sleep(1_000 * Math.min(60, Math.max(1, Number(response.headers.get('retry-after')) || 1)));
          continue;
        }
        if (!response.ok) throw await refusal(`${operation.method} ${operation.path}`, response);
        return (response.status === 204 ? undefined : await response.json()) as never;
      }
    },
  };

  async function send(target: URL, init: RequestInit): Promise<Response> {
    try {
      return await fetch(target, { ...init, signal: AbortSignal.timeout(answerWithinMs) });
    } catch (cause) {
      throw new CommandError(`the API at ${url} did not answer (${reasonOf(cause)}); is the platform running?`, {
        cause,
      });
    }
  }
}

function addressOf(base: string, path: string, { params = {}, query = {} }: CallInput): URL {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const target = new URL(`${base.replace(/\/+$/, '')}${filled}`);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) target.searchParams.set(name, String(value));
  return target;
}

/** Fetch says `fetch failed`; the reason is one level down. */
export function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message: string };
  return cause?.code ?? cause?.message ?? message;
}

/** RFC 9457 problem to one sentence, with each wrong field on a line of its own. */
async function refusal(what: string, response: Response): Promise<ApiError> {
  const text = await response.text();
  let problem: Partial<Problem> = {};
  try {
    problem = JSON.parse(text) as Partial<Problem>;
  } catch {
    problem = { title: text.slice(0, 200) }; // a proxy's page; its beginning is the best that there is
  }
  const trace = problem.trace === undefined ? '' : `\n  trace ${problem.trace}`;
  const said = problem.detail ?? problem.title ?? response.statusText;
  const fields = (problem.errors ?? [])
    .map((e) => `${e.field}: ${e.message}`)
    .filter((text) => text !== said) // the only wrong field is the detail already
    .map((text) => `\n  ${text}`)
    .join('');
  return new ApiError(response.status, `${what} answered ${response.status}: ${said}${fields}${trace}`);
}
