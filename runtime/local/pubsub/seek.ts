import type { Store } from './store.ts';
import type { Subscription } from './subscription.ts';
import { readAttributes } from './wire.ts';

/**
 * The id of the first message of a topic published at or after `time` (epoch ms); above all ids when there is none.
 * Ids and publish times sort the same way, so that this is a binary search and needs no index on time.
 */
export function firstPublishedSince(store: Store, topic: number, time: number): number {
  const first = store.firstMessage(topic);
  const last = store.lastMessage(topic);
  if (first === undefined || last === undefined || last.published < time) return Number.MAX_SAFE_INTEGER;
  if (first.published >= time) return first.id;
  // Invariant: the message at or after `low` is older than `time`, the one at or after `high` is not.
  let low = first.id;
  let high = last.id;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const found = store.messageFrom(topic, middle);
    if (found === undefined || found.published >= time) high = middle;
    else low = found.id;
  }
  return store.messageFrom(topic, high)?.id ?? high;
}

/** Puts kept messages with ids of at least `fromId` back into a backlog, as far as its filter wants them. */
export function restore(store: Store, subscription: Subscription, fromId: number): void {
  const { filter } = subscription.settings;
  for (const { id, key, body } of store.messages(subscription.topic.no, fromId)) {
    if (filter !== undefined && !filter(readAttributes(Buffer.from(body)))) continue;
    store.insertPending(subscription.no, id, body.length, key ?? undefined);
  }
}
