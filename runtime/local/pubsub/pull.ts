import type { ServerUnaryCall } from '@grpc/grpc-js';

import type { Broker } from './broker.ts';
import { invalid } from './errors.ts';
import type { Consumer } from './subscription.ts';
import { Reader } from './wire.ts';

/** How long a pull waits for a first message before it answers with none. */
const WAIT_MS = 5_000;
const EMPTY = Buffer.alloc(0);

/** `Pull`: answers with what is there; waits for a first message unless `return_immediately`. */
export function pull(
  broker: Broker,
  request: Buffer,
  call: ServerUnaryCall<Buffer, unknown>,
  done: (response: Buffer) => void,
  fail: (error: Error) => void,
): void {
  const { name, immediately, max } = readPullRequest(request);
  if (max <= 0) throw invalid(`max_messages: ${max}; 1 or more is allowed`);
  const subscription = broker.subscription(name);
  subscription.checkAttached();
  let open = true;
  let timer: NodeJS.Timeout | undefined;
  const close = (): boolean => {
    if (!open) return false;
    open = false;
    clearTimeout(timer);
    subscription.release(consumer);
    return true;
  };
  const consumer: Consumer = {
    capacity: () => (open ? { messages: max, bytes: Number.MAX_SAFE_INTEGER } : undefined),
    leaseMs: () => subscription.settings.ackDeadlineMs,
    deliver: (response) => {
      if (close()) done(response);
    },
    end: (error) => {
      if (close()) fail(error);
    },
    released: () => undefined,
  };
  subscription.attach(consumer);
  if (immediately) {
    // The pump runs before the next turn of the event loop: what it did not deliver by then is not there.
    setImmediate(() => {
      if (close()) done(EMPTY);
    });
    return;
  }
  timer = setTimeout(() => {
    if (close()) done(EMPTY);
  }, WAIT_MS);
  call.on('cancelled', close);
}

function readPullRequest(request: Buffer): { name: string; immediately: boolean; max: number } {
  const reader = new Reader(request);
  const result = { name: '', immediately: false, max: 0 };
  while (reader.more) {
    const tag = reader.varint();
    if (tag === 0x0a) result.name = reader.string();
    else if (tag === 0x10) result.immediately = reader.varint() !== 0;
    else if (tag === 0x18) result.max = reader.int32();
    else reader.skip(tag);
  }
  return result;
}
