import { type Answer, type Client, createClient, type OperationId } from '../runtime/client/client.ts';
import { ApiUnreachable, ApiError as Refused } from '../runtime/client/errors.ts';
import { CommandError } from './errors.ts';

export type { Answer, OperationId };
/** The platform's public API, by operation id. */
export type Api = Client;

/** The API refused: its own problem, in one sentence. */
export class ApiError extends CommandError {
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.status = status;
  }
}

const triesWhenLimited = 4;

/** The client that everybody has, with its failures as what a command ends with. */
export function createApi(options: {
  url: string;
  /** A bearer token; asked before every call, so the supplier caches. */
  token: () => Promise<string>;
  fetch?: typeof globalThis.fetch;
  sleep?: (ms: number) => Promise<void>;
}): Api {
  const client = createClient({ ...options, triesWhenLimited });
  return {
    url: client.url,
    call: (id, ...input) => client.call(id, ...input).catch(asCommandError),
    request: (id, ...input) => client.request(id, ...input).catch(asCommandError),
  };
}

function asCommandError(error: unknown): never {
  if (error instanceof Refused) throw new ApiError(error.status, error.message, { cause: error });
  if (error instanceof ApiUnreachable)
    throw new CommandError(`${error.message}; is the platform running?`, { cause: error });
  throw error;
}
