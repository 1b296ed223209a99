import type { Log } from '../service/log.ts';
import type { BoundedRedis } from './client.ts';
import { openConnection } from './connection.ts';
import { CacheError, toCacheError } from './errors.ts';
import { cacheScripts } from './scripts/index.ts';
import type { CacheScript } from './scripts/script.ts';
import { type CacheSettings, resolveCacheSettings } from './settings.ts';
import { createSubscriber, type Subscription } from './subscriber.ts';

/**
 * Redis as services use it. It may be away or emptied at any time: every command then fails fast (CacheError, or
 * ioredis' own error from `redis`), nothing waits in a queue for it to come back, and nothing is thrown in the background.
 */
export type Cache = {
  /** The ioredis client for plain commands and pipelines. The prefix is added to keys, not to patterns or channels. */
  redis: BoundedRedis;
  status: () => 'up' | 'down';
  /** After each time the connection came up, also when Redis lost its data meanwhile. @returns function that ends it. */
  onUp: (listener: () => void) => () => void;
  onDown: (listener: () => void) => () => void;
  /** Whether it is up within `ms`; for a start that would rather wait a little. */
  upWithin: (ms: number) => Promise<boolean>;
  /** Runs a named script. @throws CacheError; RangeError for an input that is not allowed. */
  run: <I, O>(script: CacheScript<I, O>, input: I) => Promise<O>;
  /** One pipeline of many inputs. Each has its own result, in order; one that fails does not fail the others. */
  runMany: <I, O>(script: CacheScript<I, O>, inputs: readonly I[]) => Promise<(O | CacheError)[]>;
  /** Keys that match `pattern` (glob, without the prefix), given without the prefix; each at least once. @throws CacheError */
  scan: (pattern: string, options?: { count?: number }) => AsyncGenerator<string[]>;
  /** @returns how many subscribers there were. @throws CacheError */
  publish: (channel: string, message: string) => Promise<number>;
  subscribe: (channel: string, subscription: Subscription) => () => void;
  close: () => Promise<void>;
};

/**
 * Starts connecting and returns at once.
 * @param options.name of this client, in Redis' client list and in the log.
 * @throws RangeError for settings that can not be right.
 */
export function connectCache(settings: CacheSettings, options: { log: Log; name: string }): Cache {
  const resolved = resolveCacheSettings(settings);
  const { prefix } = resolved;
  const { log, name } = options;
  const connection = openConnection(resolved, { log, name });
  const { redis } = connection;
  for (const { name: method, lua, numberOfKeys } of cacheScripts) redis.defineCommand(method, { lua, numberOfKeys });

  let subscriber: ReturnType<typeof createSubscriber> | undefined;
  const subscribe: Cache['subscribe'] = (channel, subscription) => {
    subscriber ??= createSubscriber(openConnection(resolved, { log, name: `${name}-subscriber` }), { prefix, log });
    return subscriber.subscribe(channel, subscription);
  };

  return {
    redis,
    status: () => (connection.up() ? 'up' : 'down'),
    onUp: connection.onUp,
    onDown: connection.onDown,
    upWithin: (ms) => upWithin(connection, ms),
    async run(script, input) {
      const [result] = await runMany(redis, script, [input]);
      if (result instanceof CacheError) throw result;
      return result as Exclude<typeof result, undefined>;
    },
    runMany: (script, inputs) => runMany(redis, script, inputs),
    scan: (pattern, { count = 500 } = {}) => scan(redis, prefix, pattern, count),
    publish: (channel, message) => redis.publish(prefix + channel, message).catch(rethrow),
    subscribe,
    async close() {
      await Promise.all([connection.close(), subscriber?.close()]);
    },
  };
}

async function runMany<I, O>(
  redis: BoundedRedis,
  script: CacheScript<I, O>,
  inputs: readonly I[],
): Promise<(O | CacheError)[]> {
  const encoded = inputs.map(script.encode); // before anything is sent: one wrong input sends none
  const pipeline = redis.pipeline();
  const methods = pipeline as unknown as Record<string, ((...args: (string | number)[]) => unknown) | undefined>;
  const { name } = script;
  if (methods[name] === undefined) throw new Error(`script '${name}' is not in cacheScripts (scripts/index.ts)`);
  for (const args of encoded) methods[name](...args);
  const results = (await pipeline.exec()) ?? [];
  return results.map(([error, reply]) => (error ? toCacheError(error) : script.decode(reply)));
}

async function* scan(redis: BoundedRedis, prefix: string, pattern: string, count: number): AsyncGenerator<string[]> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', prefix + pattern, 'COUNT', count).catch(rethrow);
    cursor = next;
    if (keys.length > 0) yield keys.map((key) => key.slice(prefix.length));
  } while (cursor !== '0');
}

function rethrow(error: unknown): never {
  throw toCacheError(error);
}

function upWithin(connection: { up: () => boolean; onUp: Cache['onUp'] }, ms: number): Promise<boolean> {
  if (connection.up()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(false), ms);
    const stop = connection.onUp(() => done(true));
    const done = (up: boolean): void => {
      clearTimeout(timer);
      stop();
      resolve(up);
    };
  });
}
