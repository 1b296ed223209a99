import type { Log } from '../service/log.ts';
import type { Connection } from './connection.ts';

export type Subscription = {
  /** Called with each message, in order. What it throws is logged. */
  onMessage: (message: string) => void;
  /**
   * Called each time the subscription stands, the first time and after every break. Redis keeps no messages, so whatever
   * was published meanwhile is lost: read the truth again here.
   */
  onStanding?: () => void;
};

export type Subscriber = {
  /** Subscribes now, or as soon as Redis is there. Never throws for Redis' sake. @returns function that ends it. */
  subscribe: (channel: string, subscription: Subscription) => () => void;
  close: () => Promise<void>;
};

/** Channels on a connection of their own (RESP2 allows nothing else on it), subscribed to anew after every break. */
export function createSubscriber(connection: Connection, options: { prefix: string; log: Log }): Subscriber {
  const { redis } = connection;
  const { prefix, log } = options;
  const channels = new Map<string, Set<Subscription>>();
  const standing = new Set<string>();

  const guarded = (channel: string, run: () => void): void => {
    try {
      run();
    } catch (error) {
      log.error({ error, channel }, 'a subscriber of the cache failed');
    }
  };
  const request = async (channel: string): Promise<void> => {
    try {
      await redis.subscribe(channel);
    } catch (error) {
      log.warn({ channel, reason: (error as Error).message }, 'not subscribed');
      // While the connection stands nothing else would try again; a broken one subscribes when it is back.
      if (connection.up()) redis.disconnect(true);
      return;
    }
    const subscriptions = channels.get(channel);
    if (subscriptions === undefined) return release(channel);
    standing.add(channel);
    for (const { onStanding } of [...subscriptions]) guarded(channel, () => onStanding?.());
  };
  const release = (channel: string): void => {
    standing.delete(channel);
    if (!connection.up()) return;
    redis
      .unsubscribe(channel)
      .catch((error: Error) => log.debug({ channel, reason: error.message }, 'not unsubscribed'));
  };

  connection.onDown(() => standing.clear());
  connection.onUp(() => {
    for (const channel of channels.keys()) void request(channel);
  });
  redis.on('message', (channel: string, message: string) => {
    for (const { onMessage } of [...(channels.get(channel) ?? [])]) guarded(channel, () => onMessage(message));
  });

  return {
    subscribe(name, subscription) {
      const channel = prefix + name;
      const subscriptions = channels.get(channel) ?? new Set();
      channels.set(channel, subscriptions.add(subscription));
      if (subscriptions.size === 1) {
        if (connection.up()) void request(channel);
      } else if (standing.has(channel)) {
        queueMicrotask(() => guarded(channel, () => subscription.onStanding?.()));
      }
      return () => {
        if (!subscriptions.delete(subscription) || subscriptions.size > 0) return;
        channels.delete(channel);
        release(channel);
      };
    },
    close: connection.close,
  };
}
