import type { Log } from '../service/log.ts';
import { type BoundedOptions, BoundedRedis, stripArguments } from './client.ts';
import { Connector } from './connector.ts';
import { redactedUrl } from './errors.ts';
import { type ResolvedCacheSettings, retryDelayMs } from './settings.ts';
import { keepToken } from './token.ts';

/** One supervised connection: it comes back by itself, says when it goes and comes, and never throws by itself. */
export type Connection = {
  redis: BoundedRedis;
  up: () => boolean;
  onUp: (listener: () => void) => () => void;
  onDown: (listener: () => void) => () => void;
  close: () => Promise<void>;
};

export function openConnection(settings: ResolvedCacheSettings, options: { log: Log; name: string }): Connection {
  const { name } = options;
  const log = options.log.child({ redis: redactedUrl(settings.url), connection: name });
  const redis = new BoundedRedis(clientOptions(settings, name), settings.maxUnanswered);
  const ups = new Set<() => void>();
  const downs = new Set<() => void>();
  let up = false;
  let closed = false;
  let lastError = '';

  const tell = (listeners: Set<() => void>): void => {
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (error) {
        log.error({ error }, 'a listener of the cache failed');
      }
    }
  };
  redis.on('ready', () => {
    if (redis.status !== 'ready' || up) return; // events come a tick after the fact
    up = true;
    lastError = '';
    log.info('cache is up');
    tell(ups);
  });
  redis.on('close', () => {
    if (!up) return;
    up = false;
    if (!closed) log.warn({ reason: lastError || 'connection closed' }, 'cache is away');
    tell(downs);
  });
  redis.on('error', (error: Error) => {
    stripArguments(error);
    if (error.message !== lastError) log.warn({ reason: error.message }, 'cache connection error');
    lastError = error.message;
  });

  const heartbeat = setInterval(() => {
    if (redis.status === 'ready') redis.ping().catch((error: Error) => log.debug({ reason: error.message }, 'no pong'));
  }, settings.heartbeatMs).unref();
  const connect = (): void => {
    redis.connect().catch((error: Error) => log.debug({ reason: error.message }, 'not connected yet'));
  };
  let stopToken: (() => void) | undefined;
  if (settings.token === undefined) connect();
  else
    stopToken = keepToken({
      supplier: settings.token,
      log,
      clock: Date.now,
      async use(token) {
        const same = redis.options.password === token;
        redis.options.password = token;
        if (redis.status === 'wait') connect();
        else if (redis.status !== 'ready')
          return; // the next attempt to connect takes it
        // RESP2 allows no AUTH on a connection that listens to channels: it connects anew, and its subscriber reads again
        // what it may have missed.
        else if (redis.mode === 'subscriber') {
          if (!same) redis.disconnect(true);
        } else await redis.auth(settings.username ?? 'default', token);
      },
    });

  return {
    redis,
    up: () => up,
    onUp: (listener) => add(ups, listener),
    onDown: (listener) => add(downs, listener),
    close: () =>
      new Promise((resolve) => {
        if (closed || redis.status === 'end') return resolve();
        closed = true;
        clearInterval(heartbeat);
        stopToken?.();
        const waiting = redis.status === 'reconnecting'; // ioredis then only drops its timer, and emits no 'end'
        redis.once('end', resolve);
        redis.disconnect();
        if (waiting) resolve();
      }),
  };
}

function clientOptions(settings: ResolvedCacheSettings, name: string): BoundedOptions {
  const { host, port, username, password, tls, url } = settings;
  return {
    host,
    port,
    Connector,
    keyPrefix: settings.prefix,
    connectionName: name,
    protocol: 2, // the stand-in's; a subscriber has a connection of its own anyway
    lazyConnect: true,
    connectTimeout: settings.connectTimeoutMs,
    disconnectTimeout: 200,
    commandTimeout: settings.commandTimeoutMs,
    // A server that takes commands and answers none: give up the socket, so that waiting commands end.
    socketTimeout: settings.heartbeatMs + settings.commandTimeoutMs,
    // Fail fast while away, and never send again what may have been done.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false, // subscriber.ts does it, and says that messages were missed
    retryStrategy: (attempt) => retryDelayMs(attempt, settings.retryMs),
    // After a failover the old primary may be a replica that refuses writes: connect anew, by the name.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(url.startsWith('rediss:') ? { tls: { servername: host, ...tls, rejectUnauthorized: true } } : {}),
  };
}

function add(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
