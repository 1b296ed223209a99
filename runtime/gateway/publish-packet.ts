/**
 * A PUBLISH packet of MQTT 3.1.1 (3.3), not retained and not a duplicate. Pure. aedes would number and store it for a
 * session that it keeps; here numbers and confirmations are the session's.
 * @param packetId 1 to 65535, for QoS 1 alone
 */
export function publishPacket(topic: string, payload: Buffer, qos: 0 | 1, packetId: number): Buffer {
  const name = Buffer.from(topic);
  const remaining = 2 + name.length + (qos === 1 ? 2 : 0) + payload.length;
  const length = remainingLength(remaining);
  const packet = Buffer.allocUnsafe(1 + length.length + remaining);
  let at = packet.writeUInt8(0x30 | (qos << 1), 0);
  at += length.copy(packet, at);
  at = packet.writeUInt16BE(name.length, at);
  at += name.copy(packet, at);
  if (qos === 1) at = packet.writeUInt16BE(packetId, at);
  payload.copy(packet, at);
  return packet;
}

/** 7 bits a byte, the lowest first (2.2.3). */
function remainingLength(value: number): Buffer {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) | (rest > 0 ? 0x80 : 0));
    value = rest;
  } while (value > 0);
  return Buffer.from(bytes);
}
