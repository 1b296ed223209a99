import { Redis, type RedisOptions } from 'ioredis';
import { CacheError } from './errors.ts';

type Sendable = Parameters<Redis['sendCommand']>[0];
type Stream = Parameters<Redis['sendCommand']>[1];
export type BoundedOptions = RedisOptions & { replyMapping?: 'legacy' };
type Failed = Parameters<Redis['handleReconnection']>[1];

/**
 * ioredis, bounded. Without a bound a server that hangs (no reply, socket open) makes every command wait in the client's
 * queue although its caller was told `timeout` long ago, and the queue grows for as long as callers go on.
 */
export class BoundedRedis extends Redis {
  readonly #maxUnanswered: number;
  /** Pipelines refused as a whole: ioredis writes a pipeline only after each of its commands was handed over. */
  readonly #refused = new WeakSet<object>();
  readonly #begun = new WeakSet<object>();

  /** `options.lazyConnect` must be true: a command may only come once the fields are there. */
  constructor(options: BoundedOptions, maxUnanswered: number) {
    super(options);
    this.#maxUnanswered = maxUnanswered;
  }

  get unanswered(): number {
    return this.commandQueue.length;
  }

  override sendCommand(command: Sendable, stream?: Stream): unknown {
    if (!this.#refuses(stream)) return super.sendCommand(command, stream);
    const limit = this.#maxUnanswered;
    command.reject(new CacheError('busy', `Redis is slow: ${limit} commands are unanswered, this one was not sent`));
    return command.promise;
  }

  #refuses(stream: Stream | undefined): boolean {
    const full = this.commandQueue.length >= this.#maxUnanswered;
    if (stream === undefined || !('isPipeline' in stream)) return full;
    if (!this.#begun.has(stream)) {
      this.#begun.add(stream);
      if (full) this.#refused.add(stream);
    }
    return this.#refused.has(stream);
  }

  /** Called with every error reply, before its command fails: takes the arguments off it (see toCacheError). */
  override handleReconnection(error: Error, item: Failed): void {
    stripArguments(error);
    super.handleReconnection(error, item);
  }
}

/** Removes a failed command's arguments from an error of ioredis; its name stays. */
export function stripArguments(error: Error): void {
  const { command } = error as { command?: { name?: string; args?: unknown } };
  if (command !== undefined) delete command.args;
}
