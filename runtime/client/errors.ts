import type { components } from './generated/schema.ts';

/** RFC 9457 problem details, as the API answers them. */
export type Problem = components['schemas']['Problem'];

/** The API refused a request: its own problem, in one sentence. A caller branches on `status`. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Partial<Problem>;
  constructor(status: number, problem: Partial<Problem>, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.problem = problem;
  }

  /** @param what the request, as `GET /v1/devices`. */
  static async of(what: string, response: Response): Promise<ApiError> {
    const text = await response.text();
    const problem = problemOf(text);
    return new ApiError(
      response.status,
      problem,
      `${what} answered ${response.status}: ${sentence(problem, response.statusText)}`,
    );
  }
}

/** Nobody answered at that address, or not in time; the request may have been done. */
export class ApiUnreachable extends Error {
  readonly url: string;
  readonly reason: string;
  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(`the API at ${url} did not answer (${reason})`, options);
    this.name = 'ApiUnreachable';
    this.url = url;
    this.reason = reason;
  }
}

function problemOf(text: string): Partial<Problem> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { title: text.slice(0, 200) }; // a proxy's page; its beginning is the best that there is
}

/** A problem's detail, with each wrong field on a line of its own and the trace that finds it in the logs. */
function sentence(problem: Partial<Problem>, statusText: string): string {
  const said = problem.detail ?? problem.title ?? statusText;
  const fields = (problem.errors ?? [])
    .map((e) => `${e.field}: ${e.message}`)
    .filter((text) => text !== said) // the only wrong field is the detail already
    .map((text) => `\n  ${text}`)
    .join('');
  return `${said}${fields}${problem.trace === undefined ? '' : `\n  trace ${problem.trace}`}`;
}
