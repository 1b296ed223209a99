import { setTimeout as sleep } from 'node:timers/promises';
import type { v1 } from '@google-cloud/pubsub';
import { type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import type { Log } from '../service/log.ts';
import type { BusClient } from './client.ts';

/** A message under lease. It stays leased until it is acknowledged or the process ends. */
export type HeldMessage = {
  ackId: string;
  /** The bus's message id. */
  id: string;
  data: Buffer;
  attributes: Readonly<Record<string, string>>;
};

export type SubscriberOptions = {
  /** Full path, see `BusClient#subscriptionPath`. */
  subscription: string;
  /**
   * Messages and bytes held at most. The bus sends no more than this unacknowledged, so a store that is away stops
   * pulling by itself: what is held fills up and nothing more comes.
   */
  maxMessages: number;
  maxBytes: number;
  /** Lease asked for, renewed at a third of it, seconds (10 to 600). A process that dies delays what it held by so long. Default 20. */
  leaseSeconds?: number;
  /** An acknowledgement waits this long for company, milliseconds. */
  ackMs?: number;
  onMessages: (messages: readonly HeldMessage[]) => void;
};

export type Subscriber = {
  /** Acknowledges; retried until the bus has taken it. To be called once a message, after its work is durable. */
  ack(messages: readonly HeldMessage[]): void;
  /** Closes the pull without nacking. What is held stays leased. */
  pause(): void;
  resume(): void;
  /** Messages received whose acknowledgement the bus has not confirmed; for a moment up to twice `maxMessages`. */
  readonly held: number;
  readonly heldBytes: number;
  /** Whether a pull stands. */
  readonly connected: boolean;
  /** Whether the bus will send no more until something is acknowledged. */
  readonly full: boolean;
  /** Ends the pull at once; `close` hands in the last acknowledgements and stops renewing leases. */
  stopPulling(): void;
  close(withinMs: number): Promise<void>;
};

const notFound = 5;
const maxAckIds = 1_000;
const pingMs = 30_000;

/**
 * A streaming pull over Google's generated client. The hand-written `Subscription#on('message')` above it nacks what is
 * held when it closes, sends a deadline change for each message, and gives up a lease after an hour; here a message is
 * held as long as its store is away, because an expired lease counts as a delivery attempt
 * (https://cloud.google.com/pubsub/docs/handling-failures#track_delivery_attempts).
 */
export function createSubscriber(client: BusClient, options: SubscriberOptions, log: Log): Subscriber {
  return new StreamSubscriber(client.subscriber, options, log.child({ subscription: options.subscription }));
}

type PullStream = ClientDuplexStream<unknown, PullResponse>;
type PullResponse = {
  receivedMessages?:
    | { ackId: string; message: { messageId: string; data: Buffer | null; attributes: Record<string, string> } }[]
    | null;
};

class StreamSubscriber implements Subscriber {
  private readonly api: v1.SubscriberClient;
  private readonly options: SubscriberOptions;
  private readonly log: Log;
  private readonly lease: number;
  private readonly messages = new Map<string, HeldMessage>();
  private bytes = 0;
  private stream: PullStream | undefined;
  private opening = false;
  private failures = 0;
  private wanted = true;
  private answeredAt = Date.now();
  /** The stream that stands has had a first answer: before that it may be one that gRPC still tries to connect. */
  private answered = false;
  private toAck: string[] = [];
  private acking = 0;
  private ackTimer: NodeJS.Timeout | undefined;
  private reopenTimer: NodeJS.Timeout | undefined;
  private readonly timers: NodeJS.Timeout[];
  private readonly closed = new AbortController();
  private idle: (() => void)[] = [];

  constructor(api: v1.SubscriberClient, options: SubscriberOptions, log: Log) {
    this.api = api;
    this.options = options;
    this.log = log;
    this.lease = options.leaseSeconds ?? 20;
    this.timers = [
      setInterval(() => this.renewLeases(), (this.lease * 1_000) / 3),
      setInterval(() => this.ping(), pingMs),
    ];
    this.open();
  }

  get held(): number {
    return this.messages.size;
  }
  get heldBytes(): number {
    return this.bytes;
  }
  get connected(): boolean {
    return this.stream !== undefined && this.answered;
  }
  get full(): boolean {
    return this.messages.size >= this.options.maxMessages || this.bytes >= this.options.maxBytes;
  }

  ack(messages: readonly HeldMessage[]): void {
    for (const message of messages) this.toAck.push(message.ackId);
    if (this.toAck.length >= maxAckIds) this.sendAcks();
    else this.ackTimer ??= setTimeout(() => this.sendAcks(), this.options.ackMs ?? 3);
  }

  pause(): void {
    this.wanted = false;
    this.dropStream();
  }

  resume(): void {
    if (this.wanted || this.closed.signal.aborted) return;
    this.wanted = true;
    this.open();
  }

  stopPulling(): void {
    this.pause();
  }

  async close(withinMs: number): Promise<void> {
    this.pause();
    this.sendAcks();
    if (this.acking > 0) {
      const flushed = new Promise<void>((resolve) => this.idle.push(resolve));
      await Promise.race([flushed, sleep(withinMs, undefined, { ref: false })]);
    }
    this.closed.abort();
    for (const timer of this.timers) clearInterval(timer);
    clearTimeout(this.ackTimer);
    if (this.messages.size > 0)
      this.log.info({ held: this.messages.size }, 'closed with messages held; the bus delivers them again');
  }

  private open(): void {
    if (this.stream !== undefined || this.opening || !this.wanted) return;
    this.opening = true;
    this.api.initialize().then(
      (stub) => {
        this.opening = false;
        if (!this.wanted || this.stream !== undefined) return;
        const metadata = new Metadata();
        metadata.set('x-goog-request-params', `subscription=${this.options.subscription}`);
        const open = stub['streamingPull'] as (metadata: Metadata) => PullStream;
        this.attach(open.call(stub, metadata));
      },
      (error: unknown) => {
        this.opening = false;
        this.reopen(error);
      },
    );
  }

  private attach(stream: PullStream): void {
    this.stream = stream;
    this.answeredAt = Date.now();
    this.answered = false;
    stream.on('data', (response) => this.receive(stream, response));
    stream.on('error', (error) => this.ended(stream, error));
    stream.on('end', () => this.ended(stream, undefined));
    stream.write({
      subscription: this.options.subscription,
      streamAckDeadlineSeconds: this.lease,
      maxOutstandingMessages: this.options.maxMessages,
      maxOutstandingBytes: this.options.maxBytes,
      protocolVersion: 1, // asks for an answer to our pings
    });
    stream.write({}); // the first of these
  }

  private receive(stream: PullStream, response: PullResponse): void {
    if (stream !== this.stream) return;
    this.answeredAt = Date.now();
    this.answered = true;
    this.failures = 0;
    const received = response.receivedMessages;
    if (received === undefined || received === null || received.length === 0) return;
    const held: HeldMessage[] = [];
    for (const { ackId, message } of received) {
      const one: HeldMessage = {
        ackId,
        id: message.messageId,
        data: message.data ?? empty,
        attributes: message.attributes,
      };
      this.messages.set(ackId, one);
      this.bytes += one.data.length;
      held.push(one);
    }
    // A server that ignores the limits of the first request is held back by the socket.
    if (this.messages.size >= 2 * this.options.maxMessages) stream.pause();
    this.options.onMessages(held);
  }

  private ended(stream: PullStream, error: unknown): void {
    if (stream !== this.stream) return;
    this.stream = undefined;
    this.reopen(error);
  }

  private reopen(error: unknown): void {
    if (!this.wanted) return;
    // Pub/Sub ends every stream after some time; only a second failure in a row is worth a line.
    if (++this.failures > 1 || (error as { code?: number } | undefined)?.code === notFound)
      this.log.warn({ error: String(error), failures: this.failures }, 'streaming pull ended; opening it again');
    const pause = Math.min(2_000, 50 * 2 ** Math.min(this.failures - 1, 10)) * (0.5 + Math.random() / 2);
    clearTimeout(this.reopenTimer);
    this.reopenTimer = setTimeout(() => this.open(), this.failures <= 1 ? 10 : pause);
  }

  private dropStream(): void {
    clearTimeout(this.reopenTimer);
    const stream = this.stream;
    this.stream = undefined;
    if (stream === undefined) return;
    // Cancelling makes gRPC emit one last error, which is ours.
    stream.removeAllListeners('error');
    stream.on('error', () => undefined);
    stream.cancel();
  }

  private ping(): void {
    const stream = this.stream;
    if (stream === undefined) return;
    if (Date.now() - this.answeredAt > 2.5 * pingMs && !stream.isPaused()) {
      this.log.warn('streaming pull gave no answer to a ping; opening it again');
      this.dropStream();
      this.reopen(new Error('no answer to a ping'));
      return;
    }
    stream.write({});
  }

  private renewLeases(): void {
    const ackIds = [...this.messages.keys()];
    for (let at = 0; at < ackIds.length; at += maxAckIds) {
      const some = ackIds.slice(at, at + maxAckIds);
      this.api
        .modifyAckDeadline(
          { subscription: this.options.subscription, ackIds: some, ackDeadlineSeconds: this.lease },
          { timeout: 5_000 },
        )
        .catch((error: unknown) =>
          this.log.warn({ error: String(error), messages: some.length }, 'leases not renewed'),
        );
    }
  }

  private sendAcks(): void {
    clearTimeout(this.ackTimer);
    this.ackTimer = undefined;
    while (this.toAck.length > 0) {
      const some = this.toAck.splice(0, maxAckIds);
      this.acking++;
      this.acknowledge(some)
        .catch((error: unknown) => this.log.warn({ error: String(error), messages: some.length }, 'not acknowledged'))
        .finally(() => {
          this.acking--;
          if (this.acking === 0) for (const resolve of this.idle.splice(0)) resolve();
        });
    }
  }

  /** What cannot be acknowledged is delivered again and found to be a duplicate: late, never wrong. */
  private async acknowledge(ackIds: string[]): Promise<void> {
    const request = { subscription: this.options.subscription, ackIds };
    try {
      for (let failures = 0; ; failures++) {
        try {
          await this.api.acknowledge(request, { timeout: 5_000, retry: null });
          return;
        } catch (error) {
          if (!mayPass(error) || failures >= 20 || this.closed.signal.aborted) throw error;
          await sleep(Math.min(2_000, 50 * 2 ** failures), undefined, { signal: this.closed.signal });
        }
      }
    } finally {
      for (const ackId of ackIds) {
        const message = this.messages.get(ackId);
        if (message !== undefined && this.messages.delete(ackId)) this.bytes -= message.data.length;
      }
      if (this.stream?.isPaused() && !this.full) this.stream.resume();
    }
  }
}

const empty = Buffer.alloc(0);
/** CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE. */
const passing = new Set([1, 2, 4, 8, 10, 13, 14]);
function mayPass(error: unknown): boolean {
  const { code } = error as { code?: number };
  return code === undefined || passing.has(code);
}
