import { invalid } from './errors.ts';
import { Reader } from './wire.ts';

/**
 * Acknowledge, ModifyAckDeadline and StreamingPull requests, read straight from their bytes: a client sends two ack ids
 * for every message it receives. An ack id is `{subscription number}-{message id}-{lease number}`.
 */

/** Parallel lists: `ids[i]` under `leases[i]`. */
export type AckIds = { readonly subscription: number[]; readonly ids: number[]; readonly leases: number[] };

export type AckRequest = { subscription: string; acks: AckIds; deadlineSeconds: number };

export type StreamRequest = {
  subscription: string;
  acks: AckIds;
  modified: AckIds;
  deadlines: number[];
  streamDeadlineSeconds: number | undefined;
  maxMessages: number | undefined;
  maxBytes: number | undefined;
  /** Nothing but a sign of life, to be answered with one. */
  ping: boolean;
};

export function ackId(subscription: number, id: number, lease: number): string {
  return `${subscription}-${id}-${lease}`;
}

/** `AcknowledgeRequest` (ack_ids is field 2). */
export function readAcknowledge(request: Buffer): AckRequest {
  return readAckRequest(request, 0x12);
}

/** `ModifyAckDeadlineRequest` (ack_ids is field 4, ack_deadline_seconds 3). */
export function readModifyAckDeadline(request: Buffer): AckRequest {
  return readAckRequest(request, 0x22);
}

function readAckRequest(request: Buffer, ackTag: number): AckRequest {
  const result: AckRequest = { subscription: '', acks: emptyIds(), deadlineSeconds: 0 };
  const reader = new Reader(request);
  while (reader.more) {
    const tag = reader.varint();
    if (tag === ackTag) readAckId(reader, result.acks);
    else if (tag === 0x0a) result.subscription = reader.string();
    else if (tag === 0x18 && ackTag === 0x22) result.deadlineSeconds = reader.int32();
    else reader.skip(tag);
  }
  return result;
}

export function readStreamRequest(request: Buffer): StreamRequest {
  const result: StreamRequest = {
    subscription: '',
    acks: emptyIds(),
    modified: emptyIds(),
    deadlines: [],
    streamDeadlineSeconds: undefined,
    maxMessages: undefined,
    maxBytes: undefined,
    ping: request.length === 0,
  };
  const reader = new Reader(request);
  while (reader.more) {
    const tag = reader.varint();
    if (tag === 0x0a) result.subscription = reader.string();
    else if (tag === 0x12) readAckId(reader, result.acks);
    else if (tag === 0x18) result.deadlines.push(reader.int32());
    else if (tag === 0x1a) {
      const packed = new Reader(request, reader.skipBytes(), reader.at);
      while (packed.more) result.deadlines.push(packed.int32());
    } else if (tag === 0x22) readAckId(reader, result.modified);
    else if (tag === 0x28) result.streamDeadlineSeconds = reader.int32();
    else if (tag === 0x38) result.maxMessages = signed(reader.varint());
    else if (tag === 0x40) result.maxBytes = signed(reader.varint());
    else reader.skip(tag);
  }
  return result;
}

function emptyIds(): AckIds {
  return { subscription: [], ids: [], leases: [] };
}

/** Of a 64-bit number only its sign matters beyond 53 bits here. */
function signed(value: number): number {
  return value >= 2 ** 63 ? -1 : value;
}

function readAckId(reader: Reader, into: AckIds): void {
  const start = reader.skipBytes();
  const { bytes, at: end } = reader;
  let part = 0;
  let value = 0;
  let digits = 0;
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    if (byte >= 0x30 && byte <= 0x39 && digits < 16) {
      value = value * 10 + byte - 0x30;
      digits += 1;
    } else if (byte === 0x2d && digits > 0 && part < 2) {
      (part === 0 ? into.subscription : into.ids).push(value);
      part += 1;
      value = 0;
      digits = 0;
    } else malformed(bytes, start, end);
  }
  if (part !== 2 || digits === 0) malformed(bytes, start, end);
  into.leases.push(value);
}

function malformed(bytes: Buffer, start: number, end: number): never {
  const shown = bytes.toString('latin1', start, Math.min(end, start + 64));
  throw invalid(`ack_ids: "${shown}" is no ack id of this server; send ack ids exactly as they were received`);
}
