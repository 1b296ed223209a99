/**
 * MQTT 3.1.1 packets as a load generator needs them: made once, patched in place. Pure.
 * Layouts: https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html
 */
export function connectPacket(clientId: string, keepaliveSeconds: number): Buffer {
  const body = Buffer.concat([
    text('MQTT'),
    Buffer.from([4, 0b10, keepaliveSeconds >> 8, keepaliveSeconds & 0xff]),
    text(clientId),
  ]);
  return Buffer.concat([Buffer.from([0x10]), remainingLength(body.length), body]);
}

export function subscribePacket(packetId: number, topics: readonly string[]): Buffer {
  const body = Buffer.concat([
    Buffer.from([packetId >> 8, packetId & 0xff]),
    ...topics.flatMap((topic) => [text(topic), Buffer.from([1])]),
  ]);
  return Buffer.concat([Buffer.from([0x82]), remainingLength(body.length), body]);
}

export const pingPacket = Buffer.from([0xc0, 0]);
export const disconnectPacket = Buffer.from([0xe0, 0]);

/** A QoS 1 PUBLISH whose readings differ in fixed-width fields only. */
export type PublishTemplate = {
  /** Bytes of the MQTT payload. */
  payloadBytes: number;
  /** A packet with these numbers in it. `seq` counts from 0; `ts` is epoch milliseconds of 13 digits. */
  fill(packetId: number, ts: number, seq: number): Buffer;
};

/** Numbers of readings begin here, so that they have ten digits and no leading zero. */
export const firstSeq = 1_000_000_000;

/**
 * @param readings how many in one message; their `seq` are consecutive.
 * @param readingBytes length of one reading's JSON, at least 120.
 */
export function publishTemplate(topic: string, readings: number, readingBytes: number): PublishTemplate {
  const one = readingOf(readingBytes);
  const payload = readings === 1 ? one : `[${Array.from({ length: readings }, () => one).join(',')}]`;
  const head = Buffer.concat([
    Buffer.from([0x32]),
    remainingLength(2 + Buffer.byteLength(topic) + 2 + payload.length),
    text(topic),
  ]);
  const packet = Buffer.concat([head, Buffer.alloc(2), Buffer.from(payload)]);
  const idAt = head.length;
  const first = idAt + 2 + (readings === 1 ? 0 : 1);
  const stride = one.length + 1;
  const tsAt = one.indexOf(tsMark);
  const seqAt = one.indexOf(seqMark);
  const valueAt = one.indexOf(valueMark);
  return {
    payloadBytes: payload.length,
    fill(packetId, ts, seq) {
      const filled = Buffer.allocUnsafe(packet.length);
      packet.copy(filled);
      filled[idAt] = packetId >> 8;
      filled[idAt + 1] = packetId & 0xff;
      for (let i = 0; i < readings; i++) {
        const at = first + i * stride;
        digits(filled, at + tsAt, 13, ts);
        digits(filled, at + seqAt, 10, firstSeq + seq * readings + i);
        digits(filled, at + valueAt, 2, (seq + i) % 100);
      }
      return filled;
    },
  };
}

const tsMark = '1111111111111';
const seqMark = '2222222222';
const valueMark = '33,';

function readingOf(bytes: number): string {
  const before = `{"ts":${tsMark},"seq":${seqMark},"values":{"temperature":21.${valueMark}"humidity":45.1,"battery":87.5,"text":"`;
  const after = '"}}';
  const fill = bytes - before.length - after.length;
  if (fill < 0) throw new Error(`a reading has at least ${before.length + after.length} bytes, asked were ${bytes}`);
  return before + 'x'.repeat(fill) + after;
}

function digits(into: Buffer, at: number, width: number, value: number): void {
  let rest = value;
  for (let i = at + width - 1; i >= at; i--) {
    into[i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function remainingLength(length: number): Buffer {
  const out: number[] = [];
  let rest = length;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    out.push(rest > 0 ? byte | 0x80 : byte);
  } while (rest > 0);
  return Buffer.from(out);
}

export type Inbound = {
  connack?(code: number): void;
  puback?(packetId: number): void;
  suback?(codes: readonly number[]): void;
};

/** Reads what a server sends to a publisher. Keeps an unfinished packet for the next chunk. */
export function inboundParser(on: Inbound): (chunk: Buffer) => void {
  let kept: Buffer | undefined;
  return (chunk) => {
    const data = kept === undefined ? chunk : Buffer.concat([kept, chunk]);
    let at = 0;
    while (at + 2 <= data.length) {
      // PUBACKs are nearly all there is: two bytes of header, two of packet id.
      let length = 0;
      let shift = 0;
      let body = at + 1;
      let whole = false;
      while (body < data.length && shift < 28) {
        const byte = data[body++] as number;
        length |= (byte & 0x7f) << shift;
        shift += 7;
        if (byte < 0x80) {
          whole = true;
          break;
        }
      }
      if (!whole || body + length > data.length) break;
      const kind = (data[at] as number) >> 4;
      if (kind === 4) on.puback?.(((data[body] as number) << 8) | (data[body + 1] as number));
      else if (kind === 2) on.connack?.(data[body + 1] as number);
      else if (kind === 9) on.suback?.([...data.subarray(body + 2, body + length)]);
      at = body + length;
    }
    kept = at === data.length ? undefined : data.subarray(at);
  };
}
