import type { Clock } from './clock.ts';
import type { Failure, Limits, Row } from './delivery.ts';
import { exists, invalid, notFound, precondition } from './errors.ts';
import { type Change, type CrashPoint, GroupCommit } from './group-commit.ts';
import type { Log } from './log.ts';
import { DELETED_TOPIC } from './names.ts';
import {
  checkSubscription,
  checkTopic,
  type SubscriptionConfig,
  type TopicConfig,
  updateSubscription,
  updateTopic,
} from './resources.ts';
import { firstPublishedSince, restore } from './seek.ts';
import type { Store } from './store.ts';
import { Subscription, type SubscriptionDeps } from './subscription.ts';
import { Topic } from './topic.ts';
import { LIMITS, type Published, readAttributes, readPublishTime, stampMessage, withAttributes } from './wire.ts';

export type BrokerDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Limits | undefined;
  readonly onCrashPoint?: ((point: CrashPoint, kinds: ReadonlySet<Change['kind']>) => void) | undefined;
};

/** What one publish has stored: the first of its consecutive ids, and new backlog rows by subscription. */
type Stored = { readonly firstId: number; readonly rows: ReadonlyMap<Subscription, Row[]> };

/** Topics, subscriptions and what happens between them; knows nothing of gRPC. */
export class Broker {
  readonly commits: GroupCommit;
  readonly topics = new Map<string, Topic>();
  readonly subscriptions = new Map<string, Subscription>();
  readonly #deps: BrokerDeps;
  readonly #subscriptionDeps: SubscriptionDeps;
  #lastPublished = 0;

  constructor(deps: BrokerDeps) {
    this.#deps = deps;
    this.commits = new GroupCommit(
      deps.store,
      (error, changes) => deps.log('ERROR', 'nothing stored', { error: error.message, changes }),
      deps.onCrashPoint,
    );
    this.#subscriptionDeps = {
      store: deps.store,
      commits: this.commits,
      clock: deps.clock,
      limits: deps.limits,
      deadLetter: (subscription, failures) => this.#deadLetter(subscription, failures),
    };
    this.#recover();
  }

  #recover(): void {
    const { store } = this.#deps;
    const byNo = new Map<number, Topic>();
    for (const { no, name, config } of store.topics()) {
      const topic = new Topic(no, JSON.parse(config) as TopicConfig, name === null);
      byNo.set(no, topic);
      if (name !== null) this.topics.set(name, topic);
      this.#lastPublished = Math.max(this.#lastPublished, store.lastMessage(no)?.published ?? 0);
    }
    for (const { no, name, topic, config } of store.subscriptions()) {
      const source = byNo.get(topic ?? -1);
      if (source === undefined) throw new Error(`subscription ${name} refers to the unknown topic number ${topic}`);
      const subscription = new Subscription(
        no,
        JSON.parse(config) as SubscriptionConfig,
        source,
        this.#subscriptionDeps,
      );
      source.subscriptions.add(subscription);
      this.subscriptions.set(name, subscription);
    }
  }

  /** Every topic that still has messages, deleted ones included. */
  allTopics(): Set<Topic> {
    const all = new Set(this.topics.values());
    for (const { topic } of this.subscriptions.values()) all.add(topic);
    return all;
  }

  topic(name: string): Topic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw notFound(`topic ${name} does not exist`);
    return topic;
  }

  subscription(name: string): Subscription {
    const subscription = this.subscriptions.get(name);
    if (subscription === undefined) throw notFound(`subscription ${name} does not exist`);
    return subscription;
  }

  createTopic(config: TopicConfig): TopicConfig {
    const checked = checkTopic(config);
    if (this.topics.has(checked.name)) throw exists(`topic ${checked.name} exists already`);
    const no = this.commits.alone(() => this.#deps.store.createTopic(checked.name, JSON.stringify(checked)));
    this.topics.set(checked.name, new Topic(no, checked, false));
    return checked;
  }

  updateTopic(change: TopicConfig, paths: readonly string[]): TopicConfig {
    const topic = this.topic(change.name);
    const config = updateTopic(topic.config, change, paths);
    this.commits.alone(() => this.#deps.store.updateTopic(topic.no, topic.name, JSON.stringify(config)));
    topic.config = config;
    return config;
  }

  deleteTopic(name: string): void {
    const topic = this.topic(name);
    const { store } = this.#deps;
    this.commits.alone(() => {
      if (topic.subscriptions.size === 0) store.dropTopic(topic.no);
      else store.updateTopic(topic.no, null, JSON.stringify(topic.config));
    });
    topic.deleted = true;
    this.topics.delete(name);
  }

  createSubscription(config: SubscriptionConfig): SubscriptionConfig {
    const checked = checkSubscription(config);
    if (this.subscriptions.has(checked.name)) throw exists(`subscription ${checked.name} exists already`);
    const topic = this.topic(checked.topic);
    this.#checkDeadLetterTopic(checked);
    const text = JSON.stringify(checked);
    const ordered = checked.enableMessageOrdering === true;
    const no = this.commits.alone(() => this.#deps.store.createSubscription(checked.name, topic.no, text, ordered));
    const subscription = new Subscription(no, checked, topic, this.#subscriptionDeps);
    topic.subscriptions.add(subscription);
    this.subscriptions.set(checked.name, subscription);
    return this.describe(subscription);
  }

  updateSubscription(change: SubscriptionConfig, paths: readonly string[]): SubscriptionConfig {
    const subscription = this.subscription(change.name);
    const config = updateSubscription(subscription.config, change, paths);
    this.#checkDeadLetterTopic(config);
    this.#saveSubscription(subscription, config);
    return this.describe(subscription);
  }

  detachSubscription(name: string): void {
    const subscription = this.subscription(name);
    this.#saveSubscription(subscription, { ...subscription.config, detached: true }, () => {
      this.#deps.store.removePendingBelow(subscription.no, Number.MAX_SAFE_INTEGER);
    });
    subscription.topic.acknowledged += 1;
    subscription.reload();
    subscription.endConsumers(precondition(`${name} has been detached from its topic`));
  }

  deleteSubscription(name: string): void {
    const subscription = this.subscription(name);
    const { topic } = subscription;
    const { store } = this.#deps;
    const last = topic.deleted && topic.subscriptions.size === 1;
    this.commits.alone(() => {
      store.dropSubscription(subscription.no);
      if (last) store.dropTopic(topic.no);
    });
    topic.subscriptions.delete(subscription);
    topic.acknowledged += 1;
    this.subscriptions.delete(name);
    subscription.queue.reset();
    subscription.endConsumers(notFound(`subscription ${name} has been deleted`));
  }

  /** The subscription as callers see it. */
  describe(subscription: Subscription): SubscriptionConfig & { state: string } {
    const { config, topic, detached } = subscription;
    const retention = topic.config.messageRetentionDuration;
    return {
      ...config,
      topic: topic.deleted ? DELETED_TOPIC : config.topic,
      state: detached ? 'RESOURCE_ERROR' : 'ACTIVE',
      ...(retention && !topic.deleted ? { topicMessageRetentionDuration: retention } : {}),
    };
  }

  #saveSubscription(subscription: Subscription, config: SubscriptionConfig, also?: () => void): void {
    this.commits.alone(() => {
      this.#deps.store.updateSubscription(subscription.no, subscription.topic.no, JSON.stringify(config));
      also?.();
    });
    subscription.configure(config);
  }

  #checkDeadLetterTopic(config: SubscriptionConfig): void {
    const name = config.deadLetterPolicy?.deadLetterTopic;
    if (name !== undefined && !this.topics.has(name)) {
      throw notFound(`dead_letter_policy.dead_letter_topic: ${name} does not exist; create it first`);
    }
  }

  /** Stores messages; `done` gets the first of their consecutive ids once they are durable. */
  publish(
    topicName: string,
    messages: readonly Published[],
    done: (firstId: number) => void,
    fail: (e: Error) => void,
  ): void {
    const topic = this.topic(topicName);
    if (messages.length === 0) throw invalid('messages: none; send at least one');
    if (messages.length > LIMITS.messages) {
      throw invalid(`messages: ${messages.length}; at most ${LIMITS.messages} are allowed in one request`);
    }
    let stored: Stored | undefined;
    this.commits.add({
      kind: 'publish',
      apply: () => {
        // The topic may have been deleted while this change waited; the ids are given, nobody receives them.
        stored = this.#store(topic, messages);
      },
      done: () => {
        if (stored === undefined) throw new Error('a publish was committed that was never applied');
        topic.counters.published += messages.length;
        this.#announce(stored);
        done(stored.firstId);
      },
      fail,
    });
  }

  #store(topic: Topic, messages: readonly Published[]): Stored {
    const { store, clock } = this.#deps;
    const firstId = store.takeIds(messages.length);
    const rows = new Map<Subscription, Row[]>();
    const receivers = [...topic.subscriptions].filter((subscription) => !subscription.detached);
    const kept = topic.keepMs !== undefined;
    if (topic.deleted || (receivers.length === 0 && !kept)) return { firstId, rows };
    // Publish times never go back, so that ids and times sort the same way: seek and retention search by time.
    const published = Math.max(this.#lastPublished, Math.floor(clock.now()));
    this.#lastPublished = published;
    const filtered = receivers.some((subscription) => subscription.settings.filter !== undefined);
    for (const subscription of receivers) rows.set(subscription, []);
    for (let i = 0; i < messages.length; i += 1) {
      const { bytes, orderingKey } = messages[i] as Published;
      const id = firstId + i;
      const body = stampMessage(bytes, id, published);
      topic.counters.bytes += body.length;
      const attributes = filtered ? readAttributes(body) : undefined;
      let wanted = kept;
      for (const subscription of receivers) {
        const { filter } = subscription.settings;
        if (filter !== undefined && attributes !== undefined && !filter(attributes)) continue;
        wanted = true;
        store.insertPending(subscription.no, id, body.length, orderingKey);
        rows.get(subscription)?.push({ id, bytes: body.length, key: orderingKey, attempts: 0, notBefore: 0, body });
      }
      if (wanted) store.insertMessage(topic.no, id, published, orderingKey, body);
    }
    return { firstId, rows };
  }

  #announce({ rows }: Stored): void {
    for (const [subscription, arrived] of rows) subscription.arrived(arrived);
  }

  /** Moves messages to the dead-letter topic in one transaction with their removal here. */
  #deadLetter(subscription: Subscription, failures: readonly Failure[]): void {
    const { store, clock, log } = this.#deps;
    const target = this.topics.get(subscription.settings.deadLetterTopic ?? '');
    const stay = (reason: string): void => {
      log('WARNING', 'dead letters stay in their subscription', { subscription: subscription.name, reason });
      const staying = failures.map(({ entry }) => ({
        kind: 'retry' as const,
        entry,
        notBefore: subscription.queue.stay(entry, clock.now()),
      }));
      subscription.rememberRetries(staying);
      subscription.pumpSoon();
    };
    if (target === undefined) {
      stay(`the topic ${subscription.settings.deadLetterTopic} does not exist`);
      return;
    }
    let moved: Stored[] = [];
    this.commits.add({
      kind: 'dead-letter',
      apply: () => {
        moved = [];
        for (const { entry } of failures) {
          const stored = store.body(subscription.topic.no, entry.id);
          // Acknowledged in the same group: no dead letter any more.
          if (!store.removePending(subscription.no, entry.id) || stored === undefined) continue;
          const body = Buffer.from(stored);
          const bytes = withAttributes(body, deadLetterAttributes(subscription, entry.attempts, body));
          moved.push(this.#store(target, [{ bytes, orderingKey: entry.key }]));
        }
      },
      done: () => {
        for (const { entry } of failures) subscription.queue.acknowledge(entry.id);
        subscription.backlog -= moved.length;
        subscription.counters.deadLettered += moved.length;
        subscription.topic.acknowledged += moved.length;
        target.counters.published += moved.length;
        for (const stored of moved) this.#announce(stored);
        subscription.pumpSoon();
      },
      fail: (error) => stay(error.message),
    });
  }

  /** Age of the oldest message not acknowledged, 0 when there is none. */
  oldestUnackedSeconds({ backlog, no, topic }: Subscription): number {
    const { store, clock } = this.#deps;
    const id = backlog === 0 ? undefined : store.firstPending(no);
    const message = id === undefined ? undefined : store.messageFrom(topic.no, id);
    return message === undefined ? 0 : Math.max(0, (clock.now() - message.published) / 1000);
  }

  /** Marks what was published before `time` (epoch ms) as acknowledged, and the rest as not, as far as it is kept. */
  seek(name: string, time: number): void {
    const subscription = this.subscription(name);
    subscription.checkAttached();
    const { store, clock } = this.#deps;
    this.commits.alone(() => {
      const boundary = firstPublishedSince(store, subscription.topic.no, time);
      const { retainAcked, retentionMs } = subscription.settings;
      const expired = firstPublishedSince(store, subscription.topic.no, clock.now() - retentionMs);
      store.removePendingBelow(subscription.no, Math.max(boundary, expired));
      const keep = Math.max(retainAcked ? retentionMs : 0, subscription.topic.retentionMs ?? 0);
      if (keep === 0) return;
      const oldest = firstPublishedSince(store, subscription.topic.no, clock.now() - keep);
      restore(store, subscription, Math.max(boundary, oldest));
    });
    subscription.topic.acknowledged += 1;
    subscription.reload();
  }
}

/** https://cloud.google.com/pubsub/docs/dead-letter-topics#track_delivery_attempts */
function deadLetterAttributes(subscription: Subscription, attempts: number, body: Buffer): Record<string, string> {
  const [, project = '', , id = ''] = subscription.name.split('/');
  return {
    CloudPubSubDeadLetterSourceDeliveryCount: String(attempts),
    CloudPubSubDeadLetterSourceSubscription: id,
    CloudPubSubDeadLetterSourceSubscriptionProject: project,
    CloudPubSubDeadLetterSourceTopicPublishTime: readPublishTime(body),
  };
}
