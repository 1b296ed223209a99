import { createHash } from 'node:crypto';

/**
 * Dead letter id of a reading: the same reading sent again finds the same dead letter.
 * @param json its values as they were to be stored.
 */
export function readingDeadLetterId(reading: {
  tenant: string;
  device: string;
  ts: number;
  seq: number;
  json: string;
}): string {
  const { tenant, device, ts, seq, json } = reading;
  return halfHash(`r\n${tenant}\n${device}\n${ts}\n${seq}\n${json}`);
}

/** Dead letter id of a message (`index` -1), or of the part of it that never became a reading. */
export function messageDeadLetterId(message: string, index: number): string {
  return halfHash(`m\n${message}\n${index}`);
}

/**
 * A `seq` for a reading that the gateway stamped, when its device sent two in the same millisecond: it follows from the
 * message's id and the place in it, so a redelivery finds the same row.
 */
export function stampedSeq(message: string, index: number): number {
  const bits = createHash('sha256').update(message).digest().readUIntBE(0, 5);
  return 1_024 + bits * 1_024 + index; // below 2^51; above the indexes that ordinary stamped readings have
}

function halfHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
