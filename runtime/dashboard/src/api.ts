import { createClient, type OperationId } from '../../client/client.ts';
import { ApiError, ApiUnreachable } from '../../client/errors.ts';
import type { components } from '../../client/generated/schema.ts';
import { accessToken, forget } from './session.ts';

export type { Answer, Input, OperationId } from '../../client/client.ts';
export { ApiError };

/** No session, or it has ended. */
export class LoggedOut extends Error {
  constructor() {
    super('Logged out');
    this.name = 'LoggedOut';
  }
}

const client = createClient({
  url: location.origin,
  token: async () => {
    const token = await accessToken();
    if (token === null) throw new LoggedOut();
    return token;
  },
});

/** Calls the API with the session's token. @throws ApiError, ApiUnreachable, LoggedOut */
export const call: typeof client.call = (id, ...input) => client.call(id, ...input).catch(loggedOutAt401);

/** The same with the answer as it comes, for the live stream. */
export const request: typeof client.request = (id, ...input) => client.request(id, ...input).catch(loggedOutAt401);

function loggedOutAt401(error: unknown): never {
  if (error instanceof ApiError && error.status === 401) forget();
  throw error;
}

/** A failure in words for a person. */
export function inWords(error: Error): string {
  if (error instanceof ApiUnreachable) return 'The platform does not answer. Trying again by itself.';
  if (!(error instanceof ApiError)) return error.message;
  const { title = `HTTP ${error.status}`, detail, errors } = error.problem;
  const fields = errors?.map((e) => `${e.field}: ${e.message}`).join('; ');
  return [title, detail, fields].filter(Boolean).join(' – ');
}

/** A shape of the API by its name in the document. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

/** What reads and changes nothing, so that a page may ask again. */
export type ReadId = Extract<OperationId, `get${string}` | `list${string}` | 'whoAmI'>;
