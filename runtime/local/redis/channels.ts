import { globMatches } from './glob.ts';
import { encodeReply } from './resp.ts';

/** Who hears published messages; `deliver` gets encoded replies, in order. */
export type Listener = { deliver: (text: string) => void; channels: Set<string>; patterns: Set<string> };

export type Channels = {
  publish: (channel: string, message: string) => number;
  /** Adds and answers with one reply for each name: kind, name, number of the listener's subscriptions. */
  subscribe: (listener: Listener, kind: SubscriptionKind, names: readonly string[]) => string;
  /** Removes those named, or all of the kind. */
  unsubscribe: (listener: Listener, kind: SubscriptionKind, names: readonly string[]) => string;
  drop: (listener: Listener) => void;
};

export type SubscriptionKind = 'channels' | 'patterns';

export const subscriptionCount = ({ channels, patterns }: Listener): number => channels.size + patterns.size;

export function createChannels(): Channels {
  const listeners: Record<SubscriptionKind, Map<string, Set<Listener>>> = { channels: new Map(), patterns: new Map() };

  const remove = (listener: Listener, kind: SubscriptionKind, name: string): void => {
    listener[kind].delete(name);
    const set = listeners[kind].get(name);
    set?.delete(listener);
    if (set?.size === 0) listeners[kind].delete(name);
  };

  return {
    publish(channel, message) {
      let count = 0;
      const text = encodeReply(['message', channel, message]);
      for (const listener of listeners.channels.get(channel) ?? []) {
        listener.deliver(text);
        count += 1;
      }
      for (const [pattern, set] of listeners.patterns) {
        if (!globMatches(pattern, channel)) continue;
        const patternText = encodeReply(['pmessage', pattern, channel, message]);
        for (const listener of set) listener.deliver(patternText);
        count += set.size;
      }
      return count;
    },
    subscribe(listener, kind, names) {
      let text = '';
      for (const name of names) {
        listener[kind].add(name);
        const set = listeners[kind].get(name) ?? new Set();
        listeners[kind].set(name, set.add(listener));
        text += encodeReply([kind === 'channels' ? 'subscribe' : 'psubscribe', name, subscriptionCount(listener)]);
      }
      return text;
    },
    unsubscribe(listener, kind, names) {
      const word = kind === 'channels' ? 'unsubscribe' : 'punsubscribe';
      const targets = names.length > 0 ? names : [...listener[kind]];
      if (targets.length === 0) return encodeReply([word, null, subscriptionCount(listener)]);
      let text = '';
      for (const name of targets) {
        remove(listener, kind, name);
        text += encodeReply([word, name, subscriptionCount(listener)]);
      }
      return text;
    },
    drop(listener) {
      for (const kind of ['channels', 'patterns'] as const)
        for (const name of [...listener[kind]]) remove(listener, kind, name);
    },
  };
}
