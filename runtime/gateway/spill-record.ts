import { crc32 } from 'node:zlib';
import type { OutgoingMessage } from '../platform/bus/publisher.ts';

/**
 * One message in a spill segment: length of the body (u32), CRC-32 of the body (u32), then the body: length of the
 * attributes (u32), attributes as JSON, data. Big endian. Pure.
 */
const headBytes = 8;
/** Nothing longer is ever written; a longer length field is damage. */
const maxBodyBytes = 1_048_576;

export function encodeRecord({ data, attributes }: OutgoingMessage): Buffer {
  const json = Buffer.from(JSON.stringify(attributes));
  const record = Buffer.allocUnsafe(headBytes + 4 + json.length + data.length);
  record.writeUInt32BE(json.length, headBytes);
  json.copy(record, headBytes + 4);
  data.copy(record, headBytes + 4 + json.length);
  record.writeUInt32BE(record.length - headBytes, 0);
  record.writeUInt32BE(crc32(record.subarray(headBytes)), 4);
  return record;
}

export type Decoded = {
  messages: OutgoingMessage[];
  /** Bytes up to the end of the last whole record. */
  goodBytes: number;
};

/** All whole records from the beginning; stops at the first that is cut off or damaged. */
export function decodeRecords(bytes: Buffer): Decoded {
  const messages: OutgoingMessage[] = [];
  let at = 0;
  while (bytes.length - at >= headBytes + 4) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + headBytes, at + headBytes + length);
    if (length > maxBodyBytes || length < 4 || body.length < length) break;
    if (crc32(body) !== bytes.readUInt32BE(at + 4)) break;
    const message = decodeBody(body);
    if (message === undefined) break;
    messages.push(message);
    at += headBytes + length;
  }
  return { messages, goodBytes: at };
}

function decodeBody(body: Buffer): OutgoingMessage | undefined {
  const end = 4 + body.readUInt32BE(0);
  if (end > body.length) return undefined;
  const attributes: unknown = JSON.parse(body.toString('utf8', 4, end));
  return { attributes: attributes as Record<string, string>, data: body.subarray(end) };
}
