import { type AckIds, ackId } from './ack-requests.ts';
import type { Clock } from './clock.ts';
import { DEFAULT_LIMITS, DeliveryQueue, type Failure, type Limits, type Owner, type Row } from './delivery.ts';
import { precondition } from './errors.ts';
import type { GroupCommit } from './group-commit.ts';
import { readSettings, type SubscriptionConfig, type SubscriptionSettings } from './resources.ts';
import type { Store } from './store.ts';
import type { Topic } from './topic.ts';
import { type Delivery, writeDeliveries } from './wire.ts';

/** One who takes messages: a stream, or a pull that waits. */
export type Consumer = Owner & {
  /** What may be sent now; undefined when nothing. */
  capacity(): { messages: number; bytes: number } | undefined;
  /** Lease given to each message sent, in milliseconds. */
  leaseMs(): number;
  deliver(response: Buffer, messages: number, bytes: number): void;
  /** The subscription is gone or detached: end with this error. */
  end(error: Error): void;
};

export type SubscriptionDeps = {
  readonly store: Store;
  readonly commits: GroupCommit;
  readonly clock: Clock;
  /** Takes over messages that have used up their attempts. */
  readonly deadLetter: (subscription: Subscription, failures: readonly Failure[]) => void;
  readonly limits?: Limits | undefined;
};

/** One response carries at most this; a larger message travels alone. */
const RESPONSE_BYTES = 256 * 1024;
const RESPONSE_MESSAGES = 1000;
const REFILL_ROWS = 2000;
/** Lease numbers of different server generations never meet. */
const LEASES_PER_GENERATION = 2 ** 40;

/** A subscription at run time: its window of the backlog, its consumers, and the pump between them. */
export class Subscription {
  readonly no: number;
  readonly name: string;
  readonly counters = { delivered: 0, acked: 0, failed: 0, deadLettered: 0 };
  config: SubscriptionConfig;
  settings: SubscriptionSettings;
  topic: Topic;
  /** Messages not acknowledged, in memory or not. */
  backlog: number;
  readonly queue: DeliveryQueue;
  readonly #deps: SubscriptionDeps;
  readonly #consumers: Consumer[] = [];
  #next = 0;
  /** The store may hold rows above the queue's cursor. */
  #more = true;
  #pumping = false;

  constructor(no: number, config: SubscriptionConfig, topic: Topic, deps: SubscriptionDeps) {
    this.no = no;
    this.name = config.name;
    this.config = config;
    this.settings = readSettings(config);
    this.topic = topic;
    this.#deps = deps;
    this.queue = new DeliveryQueue(
      this.settings,
      deps.store.generation * LEASES_PER_GENERATION,
      deps.limits ?? DEFAULT_LIMITS,
    );
    this.backlog = deps.store.countPending(no);
  }

  get detached(): boolean {
    return this.config.detached === true;
  }

  /** @throws RpcError FAILED_PRECONDITION */
  checkAttached(): void {
    if (this.detached) throw precondition(`${this.name} is detached from its topic; delete it and create a new one`);
  }

  configure(config: SubscriptionConfig): void {
    this.config = config;
    this.settings = readSettings(config);
    this.queue.configure(this.settings);
  }

  attach(consumer: Consumer): void {
    this.#consumers.push(consumer);
    this.pumpSoon();
  }

  release(consumer: Consumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at >= 0) this.#consumers.splice(at, 1);
  }

  endConsumers(error: Error): void {
    for (const consumer of this.#consumers.splice(0)) consumer.end(error);
  }

  /** Rows that have just been committed to the backlog. */
  arrived(rows: readonly Row[]): void {
    this.backlog += rows.length;
    if (!this.#more && this.queue.room >= rows.length) this.queue.load(rows, this.#deps.clock.now());
    else this.#more = true;
    this.pumpSoon();
  }

  /** The backlog was changed behind the queue (seek, purge of everything): start from the stored rows. */
  reload(): void {
    this.queue.reset();
    this.backlog = this.#deps.store.countPending(this.no);
    this.#more = true;
    this.pumpSoon();
  }

  /** Rows below `id` were purged. */
  purged(below: number, rows: number): void {
    this.backlog -= rows;
    this.queue.dropBelow(below);
    this.pumpSoon();
  }

  /** Ends messages now and for good; `done` when that is durable. Ids of an earlier subscription end nothing. */
  acknowledge(acks: AckIds, done: () => void, fail: (error: Error) => void): void {
    const { store, commits } = this.#deps;
    const ids: number[] = [];
    for (let i = 0; i < acks.ids.length; i += 1) {
      const id = acks.ids[i] as number;
      if (acks.subscription[i] !== this.no) continue;
      this.queue.acknowledge(id);
      ids.push(id);
    }
    this.pumpSoon();
    if (ids.length === 0) {
      done();
      return;
    }
    let removed = 0;
    commits.add({
      kind: 'acknowledge',
      apply: () => {
        for (const id of ids) if (store.removePending(this.no, id)) removed += 1;
      },
      done: () => {
        this.backlog -= removed;
        this.counters.acked += removed;
        this.topic.acknowledged += removed;
        done();
      },
      fail: (error) => {
        // Still stored as unacknowledged, no longer in memory: take everything from the store again.
        this.reload();
        fail(error);
      },
    });
  }

  /** Moves the deadlines of current leases; 0 seconds is a nack. */
  modify(acks: AckIds, seconds: (index: number) => number): void {
    const now = this.#deps.clock.now();
    const failures: Failure[] = [];
    for (let i = 0; i < acks.ids.length; i += 1) {
      if (acks.subscription[i] !== this.no) continue;
      const id = acks.ids[i] as number;
      const lease = acks.leases[i] as number;
      const deadline = seconds(i);
      if (deadline > 0) {
        this.queue.extend(id, lease, now + deadline * 1000);
        continue;
      }
      const failure = this.queue.fail(id, lease, now);
      if (failure !== undefined) failures.push(failure);
    }
    this.#handle(failures);
  }

  /** Called several times a second: ends what is over. */
  tick(): void {
    const failures = this.queue.expire(this.#deps.clock.now());
    this.#handle(failures);
    if (this.queue.deliverable) this.pumpSoon();
  }

  /** Delivers after the current callback; many events in one turn make one pump. */
  pumpSoon(): void {
    if (this.#pumping || this.#consumers.length === 0) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #handle(failures: readonly Failure[]): void {
    if (failures.length === 0) return;
    this.counters.failed += failures.length;
    const leaving = failures.filter((failure) => failure.kind === 'leave');
    if (leaving.length > 0) this.#deps.deadLetter(this, leaving);
    this.rememberRetries(failures.filter((failure) => failure.kind === 'retry'));
    this.pumpSoon();
  }

  /** Attempts and back-off outlive the process where a policy reads them; losing the last few is allowed. */
  rememberRetries(failures: readonly Failure[]): void {
    const { maxAttempts, retry } = this.settings;
    if (failures.length === 0 || (maxAttempts === undefined && retry === undefined)) return;
    const rows = failures.map(({ entry, notBefore }) => ({ id: entry.id, attempts: entry.attempts, notBefore }));
    const { store, commits } = this.#deps;
    commits.add({
      kind: 'retry',
      apply: () => {
        for (const { id, attempts, notBefore } of rows) store.retryPending(this.no, id, attempts, notBefore);
      },
    });
  }

  #refill(): void {
    const { store, clock } = this.#deps;
    for (const { key, after, upTo, limit } of this.queue.keyRefills()) {
      this.queue.loadKey(key, store.pendingOfKey(this.no, key, after, upTo, limit), clock.now());
    }
    if (!this.#more) return;
    const limit = Math.min(REFILL_ROWS, this.queue.room);
    if (limit < REFILL_ROWS && this.queue.deliverable) return;
    if (limit === 0) return;
    const rows = store.pendingAfter(this.no, this.queue.cursor, limit);
    this.#more = rows.length === limit;
    this.queue.load(rows, clock.now());
  }

  #pump(): void {
    for (;;) {
      this.#refill();
      if (!this.queue.deliverable) {
        // A window full of one blocked key may hide others: look on while there is room.
        if (!this.#more || this.queue.room === 0 || this.#consumers.length === 0) return;
        continue;
      }
      const consumer = this.#nextConsumer();
      if (consumer === undefined) return;
      this.#send(consumer);
    }
  }

  #nextConsumer(): Consumer | undefined {
    for (let i = 0; i < this.#consumers.length; i += 1) {
      this.#next = (this.#next + 1) % this.#consumers.length;
      const consumer = this.#consumers[this.#next];
      if (consumer?.capacity() !== undefined) return consumer;
    }
    return undefined;
  }

  #send(consumer: Consumer): void {
    const room = consumer.capacity();
    if (room === undefined) return;
    const { store, clock } = this.#deps;
    const entries = this.queue.take(
      Math.min(room.messages, RESPONSE_MESSAGES),
      Math.min(room.bytes, RESPONSE_BYTES),
      clock.now(),
      consumer.leaseMs(),
      consumer,
    );
    const counted = this.settings.maxAttempts !== undefined;
    const deliveries: Delivery[] = [];
    let bytes = 0;
    for (const entry of entries) {
      const message = this.queue.takeBody(entry) ?? store.body(this.topic.no, entry.id);
      if (message === undefined) throw new Error(`${this.name}: backlog row ${entry.id} without a stored message`);
      bytes += entry.bytes;
      deliveries.push({
        ackId: ackId(this.no, entry.id, entry.lease),
        message,
        attempt: counted ? entry.attempts + 1 : 0,
      });
    }
    if (deliveries.length === 0) return;
    this.counters.delivered += deliveries.length;
    consumer.deliver(writeDeliveries(deliveries), deliveries.length, bytes);
  }
}
