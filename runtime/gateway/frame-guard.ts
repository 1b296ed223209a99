/**
 * Reads only the fixed headers of the MQTT packets in a byte stream, before the parser sees a byte. The parser gathers a
 * packet of up to 256 MB before it says anything; this refuses it at its second byte. Pure, and O(packets), not O(bytes).
 */
export type Frame = {
  /** Bytes of the current packet still to come. */
  remaining: number;
  /** Bytes of the current fixed header already seen, 0 between packets. */
  header: number;
  type: number;
  length: number;
  packets: number;
  /** When the first byte of an unfinished packet came, epoch milliseconds; 0 when none is unfinished. */
  unfinishedSince: number;
};

export const newFrame = (): Frame => ({
  remaining: 0,
  header: 0,
  type: 0,
  length: 0,
  packets: 0,
  unfinishedSince: 0,
});

/** Largest payload of a PUBLISH; the same as Cloud IoT Core's. */
export const maxPayloadBytes = 262_144;

const connect = 1;
const publish = 3;
/** Remaining length allowed by packet type; what only a server sends, and the two reserved types, are absent. */
const longest: Readonly<Record<number, number>> = {
  [connect]: 16_384,
  [publish]: maxPayloadBytes + 2 + 512 + 2,
  4: 2, // PUBACK
  5: 2, // PUBREC
  6: 2, // PUBREL
  7: 2, // PUBCOMP
  8: 16_384, // SUBSCRIBE
  10: 16_384, // UNSUBSCRIBE
  12: 0, // PINGREQ
  14: 0, // DISCONNECT
};

/** Takes the next bytes in. @returns why the connection must end, or `undefined`. */
export function scan(frame: Frame, chunk: Uint8Array, now: number): string | undefined {
  let at = 0;
  while (at < chunk.length) {
    if (frame.remaining > 0) {
      const taken = Math.min(frame.remaining, chunk.length - at);
      frame.remaining -= taken;
      at += taken;
      if (frame.remaining === 0) frame.unfinishedSince = 0;
    } else {
      const problem = header(frame, chunk[at++] as number);
      if (problem !== undefined) return problem;
    }
  }
  const unfinished = frame.remaining > 0 || frame.header > 0;
  if (!unfinished) frame.unfinishedSince = 0;
  else if (frame.unfinishedSince === 0) frame.unfinishedSince = now;
  return undefined;
}

function header(frame: Frame, byte: number): string | undefined {
  if (frame.header === 0) {
    frame.type = byte >> 4;
    frame.length = 0;
    frame.header = 1;
    if (longest[frame.type] === undefined) return `packet type ${frame.type} is not one a device sends`;
    if (frame.packets === 0 && frame.type !== connect) return 'the first packet must be CONNECT';
    return undefined;
  }
  frame.length += (byte & 0x7f) * 128 ** (frame.header - 1);
  const most = longest[frame.type] ?? 0;
  if (frame.length > most)
    return `packet of type ${frame.type} with ${frame.length} bytes or more, allowed are ${most}`;
  if ((byte & 0x80) === 0) {
    frame.remaining = frame.length;
    frame.header = 0;
    frame.packets++;
    if (frame.remaining === 0) frame.unfinishedSince = 0;
  } else if (frame.header++ === 4) return 'the remaining length has more than 4 bytes';
  return undefined;
}
