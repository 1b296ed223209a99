import { invalid } from './errors.ts';

/**
 * The hot messages of google.pubsub.v1 as bytes (https://protobuf.dev/programming-guides/encoding/). A message is
 * checked but never decoded: what the publisher sent is stored with its id and publish time appended, and those stored
 * bytes are spliced into every delivery. Decoding and encoding it again would cost more than all the rest.
 */

const textDecoder = new TextDecoder('utf-8', { fatal: true });

/** A cursor over one protobuf message. Positions are checked: a truncated message is INVALID_ARGUMENT. */
export class Reader {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  /** Up to 53 bits are exact; more (a negative number, say) loses its low bits. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i += 1) {
      if (this.at >= this.end) throw truncated();
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw invalid('the request holds a number longer than 10 bytes');
  }

  /** A 32-bit number; of a negative one (it travels as 64 bits) only the sign is kept. */
  int32(): number {
    const value = this.varint();
    return value > 0x7fff_ffff ? -1 : value;
  }

  /** Reads a length and moves past that many bytes; returns where they start. */
  skipBytes(): number {
    const length = this.varint();
    const start = this.at;
    if (length > this.end - start) throw truncated();
    this.at = start + length;
    return start;
  }

  string(): string {
    const start = this.skipBytes();
    return decodeText(this.bytes.subarray(start, this.at));
  }

  skip(tag: number): void {
    const type = tag & 7;
    if (type === 0) this.varint();
    else if (type === 2) this.skipBytes();
    else if (type === 1) this.at += 8;
    else if (type === 5) this.at += 4;
    else throw invalid(`the request holds wire type ${type}, which protobuf does not use`);
    if (this.at > this.end) throw truncated();
  }
}

function truncated(): Error {
  return invalid('the request ends in the middle of a field');
}

function decodeText(bytes: Uint8Array): string {
  try {
    return textDecoder.decode(bytes);
  } catch (cause) {
    throw invalid(`a text field is not UTF-8 (${cause instanceof Error ? cause.message : cause})`);
  }
}

/** https://cloud.google.com/pubsub/quotas#resource_limits */
export const LIMITS = {
  requestBytes: 10 * 1024 * 1024,
  messages: 1000,
  attributes: 100,
  attributeKeyBytes: 256,
  attributeValueBytes: 1024,
  orderingKeyBytes: 1024,
} as const;

/** One message of a publish request: its bytes as sent, without what only the server may set. */
export type Published = { readonly bytes: Buffer; readonly orderingKey: string | undefined };

export function readPublishRequest(request: Buffer): { topic: string; messages: Published[] } {
  const reader = new Reader(request);
  const messages: Published[] = [];
  let topic = '';
  while (reader.more) {
    const tag = reader.varint();
    if (tag === 0x0a) topic = reader.string();
    else if (tag === 0x12) {
      const start = reader.skipBytes();
      messages.push(readPublished(request, start, reader.at, messages.length));
    } else reader.skip(tag);
  }
  return { topic, messages };
}

function readPublished(request: Buffer, start: number, end: number, index: number): Published {
  const reader = new Reader(request, start, end);
  let dataBytes = 0;
  let attributes = 0;
  let orderingKey: string | undefined;
  let kept: Buffer[] | undefined;
  while (reader.more) {
    const fieldStart = reader.at;
    const tag = reader.varint();
    if (tag === 0x0a) {
      const dataStart = reader.skipBytes();
      dataBytes = reader.at - dataStart;
    } else if (tag === 0x12) {
      attributes += 1;
      checkAttribute(request, reader.skipBytes(), reader.at, index);
    } else if (tag === 0x2a) {
      const keyStart = reader.skipBytes();
      const size = reader.at - keyStart;
      if (size > LIMITS.orderingKeyBytes) {
        throw invalid(`messages[${index}].ordering_key: ${size} bytes; at most ${LIMITS.orderingKeyBytes} are allowed`);
      }
      orderingKey = size === 0 ? undefined : decodeText(request.subarray(keyStart, reader.at));
    } else {
      // message_id, publish_time and fields we do not know are the server's to set: left out.
      reader.skip(tag);
      kept ??= [request.subarray(start, fieldStart)];
      continue;
    }
    kept?.push(request.subarray(fieldStart, reader.at));
  }
  if (dataBytes === 0 && attributes === 0) {
    throw invalid(`messages[${index}]: a message needs data or at least one attribute`);
  }
  if (attributes > LIMITS.attributes) {
    throw invalid(`messages[${index}].attributes: ${attributes}; at most ${LIMITS.attributes} are allowed`);
  }
  return { bytes: kept === undefined ? request.subarray(start, end) : Buffer.concat(kept), orderingKey };
}

function checkAttribute(request: Buffer, start: number, end: number, index: number): void {
  const reader = new Reader(request, start, end);
  let keyBytes = 0;
  while (reader.more) {
    const tag = reader.varint();
    if (tag !== 0x0a && tag !== 0x12) {
      reader.skip(tag);
      continue;
    }
    const at = reader.skipBytes();
    const size = reader.at - at;
    if (tag === 0x0a) keyBytes = size;
    const limit = tag === 0x0a ? LIMITS.attributeKeyBytes : LIMITS.attributeValueBytes;
    if (size > limit) {
      const part = tag === 0x0a ? 'key' : 'value';
      throw invalid(`messages[${index}].attributes: a ${part} of ${size} bytes; at most ${limit} are allowed`);
    }
  }
  if (keyBytes === 0) throw invalid(`messages[${index}].attributes: an attribute needs a key`);
}

/** The attributes of a message as published or stored. */
export function readAttributes(message: Buffer): Map<string, string> {
  const attributes = new Map<string, string>();
  const reader = new Reader(message);
  while (reader.more) {
    const tag = reader.varint();
    if (tag !== 0x12) {
      reader.skip(tag);
      continue;
    }
    const start = reader.skipBytes();
    const entry = new Reader(message, start, reader.at);
    let key = '';
    let value = '';
    while (entry.more) {
      const inner = entry.varint();
      if (inner === 0x0a) key = entry.string();
      else if (inner === 0x12) value = entry.string();
      else entry.skip(inner);
    }
    attributes.set(key, value);
  }
  return attributes;
}

/** The publish time of a stored message, in RFC 3339. */
export function readPublishTime(stored: Buffer): string {
  const reader = new Reader(stored);
  while (reader.more) {
    const tag = reader.varint();
    if (tag !== 0x22) {
      reader.skip(tag);
      continue;
    }
    const start = reader.skipBytes();
    const time = new Reader(stored, start, reader.at);
    let milliseconds = 0;
    while (time.more) {
      const part = time.varint();
      milliseconds += part === 0x08 ? time.varint() * 1000 : time.varint() / 1_000_000;
    }
    return new Date(milliseconds).toISOString();
  }
  throw new Error('a stored message without a publish time');
}

/** A message with more attributes and without its id and publish time: what dead-lettering publishes. */
export function withAttributes(stored: Buffer, added: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  const reader = new Reader(stored);
  while (reader.more) {
    const start = reader.at;
    const tag = reader.varint();
    reader.skip(tag);
    if (tag === 0x0a || tag === 0x12 || tag === 0x2a) parts.push(stored.subarray(start, reader.at));
  }
  for (const [key, value] of Object.entries(added)) {
    const entry = Buffer.concat([field(0x0a, Buffer.from(key)), field(0x12, Buffer.from(value))]);
    parts.push(field(0x12, entry));
  }
  return Buffer.concat(parts);
}

function field(tag: number, bytes: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(1 + varintSize(bytes.length));
  head[0] = tag;
  writeVarint(head, 1, bytes.length);
  return Buffer.concat([head, bytes]);
}

/** Message bytes plus message_id (3) and publish_time (4): a stored PubsubMessage, ready to be sent. */
export function stampMessage(message: Buffer, id: number, publishedMs: number): Buffer {
  const text = String(id);
  const seconds = Math.floor(publishedMs / 1000);
  const nanos = (publishedMs % 1000) * 1_000_000;
  const timeBytes = 1 + varintSize(seconds) + (nanos === 0 ? 0 : 1 + varintSize(nanos));
  const out = Buffer.allocUnsafe(message.length + 2 + text.length + 2 + timeBytes);
  out.set(message, 0);
  let at = message.length;
  out[at++] = 0x1a;
  out[at++] = text.length;
  at += out.write(text, at, 'latin1');
  out[at++] = 0x22;
  out[at++] = timeBytes;
  out[at++] = 0x08;
  at = writeVarint(out, at, seconds);
  if (nanos !== 0) {
    out[at++] = 0x10;
    writeVarint(out, at, nanos);
  }
  return out;
}

export function writePublishResponse(firstId: number, count: number): Buffer {
  const ids: string[] = [];
  let size = 0;
  for (let i = 0; i < count; i += 1) {
    const text = String(firstId + i);
    size += 2 + text.length;
    ids.push(text);
  }
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  for (const text of ids) {
    out[at++] = 0x0a;
    out[at++] = text.length;
    at += out.write(text, at, 'latin1');
  }
  return out;
}

/** One delivery; `attempt` 0 leaves delivery_attempt out (the service sends it with a dead-letter policy only). */
export type Delivery = { readonly ackId: string; readonly message: Uint8Array; readonly attempt: number };

/** PullResponse and StreamingPullResponse: both have received_messages as field 1. */
export function writeDeliveries(deliveries: readonly Delivery[]): Buffer {
  const sizes: number[] = [];
  let size = 0;
  for (const { ackId, message, attempt } of deliveries) {
    const inner =
      2 + ackId.length + 1 + varintSize(message.length) + message.length + (attempt > 0 ? 1 + varintSize(attempt) : 0);
    sizes.push(inner);
    size += 1 + varintSize(inner) + inner;
  }
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  for (let i = 0; i < deliveries.length; i += 1) {
    const { ackId, message, attempt } = deliveries[i] as Delivery;
    out[at++] = 0x0a;
    at = writeVarint(out, at, sizes[i] as number);
    out[at++] = 0x0a;
    out[at++] = ackId.length;
    at += out.write(ackId, at, 'latin1');
    out[at++] = 0x12;
    at = writeVarint(out, at, message.length);
    out.set(message, at);
    at += message.length;
    if (attempt > 0) {
      out[at++] = 0x18;
      at = writeVarint(out, at, attempt);
    }
  }
  return out;
}

/** A StreamingPullResponse with subscription_properties only. */
export function writeProperties(ordered: boolean): Buffer {
  return ordered ? Buffer.from([0x22, 0x02, 0x10, 0x01]) : Buffer.from([0x22, 0x00]);
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function writeVarint(out: Buffer, at: number, value: number): number {
  let rest = value;
  let position = at;
  while (rest >= 128) {
    out[position++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  out[position++] = rest;
  return position;
}
