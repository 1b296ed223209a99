import type { Problem } from '../../contracts/http/operation.ts';
import { accessToken, forget } from './session.ts';

/** A refused or failed request, in words for a person. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Partial<Problem>;
  constructor(status: number, problem: Partial<Problem>) {
    const fields = problem.errors?.map((e) => `${e.field}: ${e.message}`).join('; ');
    super([problem.title ?? `HTTP ${status}`, problem.detail, fields].filter(Boolean).join(' – '));
    this.status = status;
    this.problem = problem;
  }
}

/** One call of the API with the session's token. @throws ApiError */
export async function call<T>(
  method: string,
  path: string,
  options: { query?: Record<string, string | number | undefined>; body?: unknown; signal?: AbortSignal } = {},
): Promise<T> {
  const token = await accessToken();
  if (token === null) throw new ApiError(401, { title: 'Logged out' });
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(options.query ?? {}))
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ApiError(0, { title: 'The platform does not answer', detail: 'Trying again by itself.' });
  }
  if (response.status === 401) forget();
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function problemOf(response: Response): Promise<Partial<Problem>> {
  const type = response.headers.get('content-type') ?? '';
  return type.includes('json') ? ((await response.json()) as Partial<Problem>) : { title: `HTTP ${response.status}` };
}
