/**
 * Why Redis did not answer: `away` (no connection), `timeout` (no reply in time; the command may have been done), `busy`
 * (too many commands unanswered already; not sent), `refused` (Redis answered with an error).
 * All but `refused` mean: go on without Redis now, and repair later.
 */
export type CacheErrorCode = 'away' | 'timeout' | 'busy' | 'refused';

export class CacheError extends Error {
  readonly code: CacheErrorCode;
  constructor(code: CacheErrorCode, message: string) {
    super(message);
    this.name = 'CacheError';
    this.code = code;
  }
}

/**
 * Any error of the Redis client as a CacheError. It carries no arguments: ioredis puts a failed command's arguments on its
 * errors, and those may be a token or a payload.
 */
export function toCacheError(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  if (message === 'Command timed out') return new CacheError('timeout', 'Redis did not answer in time');
  if (name === 'ReplyError') return new CacheError('refused', `Redis refused: ${message}`);
  return new CacheError('away', `Redis is away: ${message}`);
}

/** `redis://user:secret@host:6379/0` as `redis://host:6379`: fit for a log. */
export function redactedUrl(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
