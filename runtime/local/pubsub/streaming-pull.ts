import type { ServerDuplexStream } from '@grpc/grpc-js';

import { readStreamRequest, type StreamRequest } from './ack-requests.ts';
import type { Broker } from './broker.ts';
import type { Entry } from './delivery.ts';
import { invalid, toRpcError } from './errors.ts';
import type { Log } from './log.ts';
import type { Consumer, Subscription } from './subscription.ts';
import { writeProperties } from './wire.ts';

const PING_ANSWER = Buffer.alloc(0);

/**
 * One `StreamingPull`: flow control by what the client said in its first request, back-pressure by the socket, and the
 * acknowledgements and deadlines that come in on the stream. Leases outlive the stream, as in the cloud: a client that
 * reconnects can still acknowledge what it received before.
 */
export class StreamingPull implements Consumer {
  readonly #broker: Broker;
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #log: Log;
  readonly #onClosed: () => void;
  #subscription: Subscription | undefined;
  #leaseSeconds = 0;
  #maxMessages = Number.POSITIVE_INFINITY;
  #maxBytes = Number.POSITIVE_INFINITY;
  #messages = 0;
  #bytes = 0;
  #writable = true;
  #open = true;

  constructor(broker: Broker, call: ServerDuplexStream<Buffer, Buffer>, log: Log, onClosed: () => void) {
    this.#broker = broker;
    this.#call = call;
    this.#log = log;
    this.#onClosed = onClosed;
    call.on('data', (request: Buffer) => this.#receive(request));
    call.on('drain', () => {
      this.#writable = true;
      this.#subscription?.pumpSoon();
    });
    call.on('cancelled', () => this.#close());
    call.on('error', (error) => {
      // An ended stream gets its status through this event, and nothing broke.
      if (!this.#open) return;
      this.#log('WARNING', 'a stream broke', { error: error.message, subscription: this.#subscription?.name });
      this.#close();
    });
    call.on('end', () => {
      this.#close();
      call.end();
    });
  }

  capacity(): { messages: number; bytes: number } | undefined {
    if (!this.#open || !this.#writable) return undefined;
    const messages = this.#maxMessages - this.#messages;
    const bytes = this.#maxBytes - this.#bytes;
    return messages > 0 && bytes > 0 ? { messages, bytes } : undefined;
  }

  leaseMs(): number {
    return this.#leaseSeconds * 1000;
  }

  deliver(response: Buffer, messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
    this.#writable = this.#call.write(response);
  }

  released(entry: Entry): void {
    this.#messages -= 1;
    this.#bytes -= entry.bytes;
  }

  end(error: Error): void {
    if (!this.#close()) return;
    const { code, details } = toRpcError(error);
    this.#call.emit('error', { code, details });
  }

  #receive(bytes: Buffer): void {
    if (!this.#open) return;
    try {
      const request = readStreamRequest(bytes);
      if (this.#subscription === undefined) this.#start(request);
      else this.#continue(request, this.#subscription);
    } catch (error) {
      this.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #start(request: StreamRequest): void {
    if (request.streamDeadlineSeconds === undefined) {
      throw invalid('stream_ack_deadline_seconds: missing in the first request; 10 to 600 are allowed');
    }
    const subscription = this.#broker.subscription(request.subscription);
    subscription.checkAttached();
    if (request.maxMessages !== undefined && request.maxMessages > 0) this.#maxMessages = request.maxMessages;
    if (request.maxBytes !== undefined && request.maxBytes > 0) this.#maxBytes = request.maxBytes;
    this.#subscription = subscription;
    this.#apply(request, subscription);
    this.#call.write(writeProperties(subscription.settings.ordered));
    subscription.attach(this);
  }

  #continue(request: StreamRequest, subscription: Subscription): void {
    if (request.subscription !== '' || request.maxMessages !== undefined || request.maxBytes !== undefined) {
      throw invalid('subscription and the max_outstanding limits belong in the first request of a stream only');
    }
    if (request.ping) this.#call.write(PING_ANSWER);
    else this.#apply(request, subscription);
  }

  #apply(request: StreamRequest, subscription: Subscription): void {
    const { streamDeadlineSeconds, deadlines, modified, acks } = request;
    if (streamDeadlineSeconds !== undefined) {
      if (streamDeadlineSeconds < 10 || streamDeadlineSeconds > 600) {
        throw invalid(`stream_ack_deadline_seconds: ${streamDeadlineSeconds}; 10 to 600 are allowed`);
      }
      this.#leaseSeconds = streamDeadlineSeconds;
    }
    if (deadlines.length !== modified.ids.length) {
      throw invalid(
        `modify_deadline_seconds: ${deadlines.length} for ${modified.ids.length} modify_deadline_ack_ids; give one for each`,
      );
    }
    const wrong = deadlines.find((seconds) => seconds < 0 || seconds > 600);
    if (wrong !== undefined) throw invalid(`modify_deadline_seconds: ${wrong}; 0 to 600 are allowed`);
    if (deadlines.length > 0) subscription.modify(modified, (index) => deadlines[index] as number);
    if (acks.ids.length > 0) {
      subscription.acknowledge(
        acks,
        () => undefined,
        (error) => this.end(error),
      );
    }
  }

  #close(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    this.#subscription?.release(this);
    this.#onClosed();
    return true;
  }
}
