import { ArrivalRate, holdMs } from './batching.ts';
import { Breaker, type BreakerOptions, type BreakerState, breakerDefaults } from './breaker.ts';
import type { BusClient } from './client.ts';

export type OutgoingMessage = { data: Buffer; attributes: Record<string, string> };
/** Called once, later than the call that handed the message over. `id` is the bus's message id. */
export type Published = (error: Error | null, id: string) => void;

/** The bus does not take messages now, or did not answer in time. The message may or may not be stored. */
export class BusAwayError extends Error {
  override readonly name = 'BusAwayError';
}
/** The bus refuses this one message, and would again. */
export class MessageRefusedError extends Error {
  override readonly name = 'MessageRefusedError';
}

export type PublisherOptions = {
  /** Full topic path, see `BusClient#topicPath`. */
  topic: string;
  /** A batch leaves at this many messages, or this long after its first one, whichever comes first. */
  batchMessages: number;
  batchMs: number;
  /** Leave sooner where waiting gathers few (batching.ts); false: somebody cares for calls saved and nobody waits. */
  eager?: boolean;
  /** Longest wait for one call's answer, milliseconds. */
  timeoutMs?: number;
  /** Messages not yet confirmed, in memory; beyond it `publish` fails at once. */
  maxOutstanding?: { messages: number; bytes: number };
  /** Calls at a time. Above it batches grow instead. */
  maxCalls?: number;
  breaker?: BreakerOptions;
  now?: () => number;
  random?: () => number;
};

const invalidArgument = 3;
const deadlineExceeded = 4;
/** Pub/Sub takes 10 MB a request: https://cloud.google.com/pubsub/quotas#resource_limits */
const maxBatchBytes = 4_194_304;

type Call = (topic: string, messages: OutgoingMessage[], timeoutMs: number) => Promise<readonly string[]>;

/**
 * Publishes to one topic in batches, without ordering key. Resolves when the bus has confirmed that the message is
 * stored. It never retries: its caller knows how long a message may wait. It fails fast while the bus is away.
 */
export class Publisher {
  private readonly options: Required<Omit<PublisherOptions, 'breaker' | 'random'>>;
  private readonly call: Call;
  private readonly breaker: Breaker;
  private messages: OutgoingMessage[] = [];
  private waiting: Published[] = [];
  private bytes = 0;
  /** Its wait is over, and it leaves with the next call that may. */
  private due = false;
  private startedAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private turn: NodeJS.Immediate | undefined;
  private readonly arrivals: ArrivalRate;
  private readonly calls = new Map<number, number>();
  private nextCall = 0;
  private outstanding = { messages: 0, bytes: 0 };
  private readonly watcher: NodeJS.Timeout;
  private idle: (() => void)[] = [];

  constructor(call: Call, options: PublisherOptions) {
    this.call = call;
    this.options = {
      timeoutMs: 5_000,
      maxOutstanding: { messages: 100_000, bytes: 268_435_456 },
      maxCalls: 8,
      eager: true,
      now: Date.now,
      ...options,
    };
    this.arrivals = new ArrivalRate(this.options.now());
    const breaker = options.breaker ?? breakerDefaults;
    this.breaker = new Breaker(breaker, options.random ?? Math.random);
    // Judged after the sockets were read: an answer that waits there is one.
    this.watcher = setInterval(() => setImmediate(() => this.watch()), breaker.watchMs);
    this.watcher.unref();
  }

  /** `away` and `probing` both mean: expect failure, do not queue behind it. */
  get state(): BreakerState {
    return this.breaker.state;
  }

  /** Whether a message would be taken now; true while `away` means that a probe is due. */
  admits(): boolean {
    return this.breaker.admits(this.options.now());
  }

  /** Messages handed over and not yet answered. */
  get unconfirmed(): number {
    return this.outstanding.messages;
  }

  /**
   * @returns the bus's message id.
   * @throws BusAwayError, MessageRefusedError.
   */
  publish(data: Buffer, attributes: Record<string, string>): Promise<string> {
    return new Promise((resolve, reject) => {
      this.enqueue({ data, attributes }, (error, id) => (error === null ? resolve(id) : reject(error)));
    });
  }

  /** `publish` without a promise a message, for the hot path. */
  enqueue(message: OutgoingMessage, done: Published): void {
    const { maxOutstanding, batchMessages } = this.options;
    const now = this.options.now();
    if (!this.breaker.admits(now)) {
      refuse(done, 'the bus is away; the next probe decides');
      return;
    }
    if (this.outstanding.messages >= maxOutstanding.messages || this.outstanding.bytes >= maxOutstanding.bytes) {
      refuse(done, `${this.outstanding.messages} messages wait for the bus, no more are taken`);
      return;
    }
    const size = message.data.length;
    this.outstanding.messages++;
    this.outstanding.bytes += size;
    if (this.bytes > 0 && this.bytes + size > maxBatchBytes) this.send();
    this.arrivals.add(now);
    if (this.messages.push(message) === 1) this.startedAt = now;
    this.waiting.push(done);
    this.bytes += size;
    if (this.messages.length >= batchMessages) this.sendIfFree();
    else if (this.messages.length === 1) this.hold(now);
  }

  /** Resolves when all that was handed over is answered. */
  flush(): Promise<void> {
    if (this.messages.length > 0) this.send();
    if (this.outstanding.messages === 0) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  async stop(): Promise<void> {
    await this.flush();
    clearInterval(this.watcher);
  }

  /** Sets when the batch leaves. At once means after this turn of the event loop: what the other sockets hold comes along. */
  private hold(now: number): void {
    const { batchMs, eager } = this.options;
    const wait = eager ? holdMs(this.arrivals.perMs(now), this.calls.size, batchMs) : batchMs;
    const left = wait - (now - this.startedAt);
    clearTimeout(this.timer);
    if (left > 0) this.timer = setTimeout(() => this.timeIsUp(), left);
    else this.turn ??= setImmediate(() => this.timeIsUp());
  }

  private timeIsUp(): void {
    this.due = true;
    this.sendIfFree();
  }

  private sendIfFree(): void {
    if (this.calls.size < this.options.maxCalls) this.send();
  }

  private send(): void {
    const { messages, waiting } = this;
    if (messages.length === 0) return;
    this.messages = [];
    this.waiting = [];
    this.bytes = 0;
    this.due = false;
    clearTimeout(this.timer);
    clearImmediate(this.turn);
    this.turn = undefined;
    this.breaker.probeSent(this.options.now());
    this.sendBatch(messages, waiting);
  }

  private sendBatch(messages: OutgoingMessage[], waiting: Published[]): void {
    const number = this.nextCall++;
    const sentAt = this.options.now();
    this.calls.set(number, sentAt);
    this.call(this.options.topic, messages, this.options.timeoutMs).then(
      (ids) => {
        this.calls.delete(number);
        this.breaker.succeeded(this.options.now(), sentAt);
        this.settle(messages, waiting, null, ids);
      },
      (error: unknown) => {
        this.calls.delete(number);
        this.failed(messages, waiting, error);
      },
    );
  }

  private failed(messages: OutgoingMessage[], waiting: Published[], error: unknown): void {
    const { code } = error as { code?: number };
    if (code !== invalidArgument) {
      if (code === deadlineExceeded) this.breaker.timedOut(this.options.now());
      else this.breaker.failedAt(this.options.now());
      this.settle(messages, waiting, new BusAwayError(`publish failed: ${text(error)}`, { cause: error }), []);
    } else if (messages.length === 1) {
      this.breaker.succeeded(this.options.now());
      this.settle(messages, waiting, new MessageRefusedError(`the bus refused the message: ${text(error)}`), []);
    } else {
      // The bus answered; one message of the batch is at fault. Halving finds it, the others are stored.
      this.breaker.succeeded(this.options.now());
      const middle = messages.length >> 1;
      this.sendBatch(messages.slice(0, middle), waiting.slice(0, middle));
      this.sendBatch(messages.slice(middle), waiting.slice(middle));
    }
  }

  private settle(messages: OutgoingMessage[], waiting: Published[], error: Error | null, ids: readonly string[]): void {
    this.outstanding.messages -= messages.length;
    for (const message of messages) this.outstanding.bytes -= message.data.length;
    for (let i = 0; i < waiting.length; i++) waiting[i]?.(error, ids[i] ?? '');
    if (this.due || this.messages.length >= this.options.batchMessages) this.sendIfFree();
    else if (this.messages.length > 0 && this.options.eager) this.hold(this.options.now());
    if (this.outstanding.messages > 0) return;
    for (const resolve of this.idle.splice(0)) resolve();
  }

  private watch(): void {
    const [oldest] = this.calls.values();
    this.breaker.watch(oldest, this.options.now());
  }
}

/** A publisher to `topic` over Google's generated client. */
export function createPublisher(client: BusClient, options: PublisherOptions): Publisher {
  return new Publisher(async (topic, messages, timeout) => {
    const [response] = await client.publisher.publish({ topic, messages }, { timeout, retry: null });
    return response.messageIds ?? [];
  }, options);
}

function refuse(done: Published, why: string): void {
  const error = new BusAwayError(why);
  queueMicrotask(() => done(error, ''));
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
