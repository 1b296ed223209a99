import type { Broker } from './broker.ts';
import type { Clock } from './clock.ts';
import { firstPublishedSince } from './seek.ts';
import type { Store } from './store.ts';
import type { Topic } from './topic.ts';

/** Rows removed in one step: a few milliseconds of work, so that nothing waits long behind it. */
const STEP = 4000;

/** Ends leases and back-offs that are over, and removes acknowledged messages. Cheap when there is nothing to do. */
export function tick(broker: Broker, store: Store): void {
  for (const subscription of broker.subscriptions.values()) subscription.tick();
  for (const topic of broker.allTopics()) {
    if (topic.acknowledged === 0 || topic.keepMs !== undefined) continue;
    removeAcknowledged(broker, store, topic, Number.MAX_SAFE_INTEGER);
  }
}

/** Once a second: retention, and acknowledged messages that a stuck one has kept from removal. */
export function tidy(broker: Broker, store: Store, clock: Clock): void {
  for (const subscription of broker.subscriptions.values()) {
    const { no, topic, settings } = subscription;
    if (subscription.backlog === 0) continue;
    const below = firstPublishedSince(store, topic.no, clock.now() - settings.retentionMs);
    if ((store.firstPending(no) ?? below) >= below) continue;
    let removed = 0;
    broker.commits.add({
      kind: 'purge',
      apply: () => {
        removed = store.removePendingBelow(no, below);
      },
      done: () => {
        topic.acknowledged += removed;
        subscription.purged(below, removed);
      },
    });
  }
  for (const topic of broker.allTopics()) {
    const { keepMs } = topic;
    if (keepMs !== undefined) {
      removeAcknowledged(broker, store, topic, firstPublishedSince(store, topic.no, clock.now() - keepMs));
    } else if (topic.sweepAt > 0 || topic.acknowledged > 0) sweep(broker, store, topic);
  }
}

/** Removes messages below everything unacknowledged, and below `limit`. */
function removeAcknowledged(broker: Broker, store: Store, topic: Topic, limit: number): void {
  broker.commits.add({
    kind: 'purge',
    apply: () => {
      const below = Math.min(limit, lowestPending(store, topic));
      topic.acknowledged = store.deleteMessages(topic.no, below, STEP) === STEP ? 1 : 0;
    },
  });
}

function lowestPending(store: Store, topic: Topic): number {
  let lowest = Number.MAX_SAFE_INTEGER;
  for (const { no } of topic.subscriptions) lowest = Math.min(lowest, store.firstPending(no) ?? lowest);
  return lowest;
}

/** Looks at the next few thousand messages above the lowest unacknowledged one, round and round. */
function sweep(broker: Broker, store: Store, topic: Topic): void {
  broker.commits.add({
    kind: 'purge',
    apply: () => {
      const low = lowestPending(store, topic);
      const last = store.lastMessage(topic.no)?.id;
      if (last === undefined || low >= last) {
        topic.sweepAt = 0;
        return;
      }
      const backlogs = [...topic.subscriptions].map(({ no }) => no);
      const next = store.sweepMessages(topic.no, backlogs, Math.max(topic.sweepAt, low), last, STEP);
      topic.sweepAt = next >= last ? 0 : next;
    },
  });
}
