import { type DeadLetterReason, telemetryBounds } from '../contracts/telemetry.ts';
import { type Candidate, decodePayload, type Refusal } from './decode.ts';
import type { CompiledType } from './device-type.ts';
import { messageDeadLetterId, readingDeadLetterId } from './identity.ts';

/** A bus message whose attributes were read. */
export type Incoming = {
  tenant: string;
  device: string;
  kind: 'events' | 'state';
  subfolder: string;
  /** The gateway's message id, also the trace id. */
  message: string;
  /** Gateway's receive time, epoch milliseconds. */
  received: number;
  data: Buffer;
};

/** A reading ready to store. `json` is its values as jsonb takes them. */
export type Row = {
  tenant: string;
  device: string;
  ts: number;
  seq: number;
  json: string;
  message: string;
  received: number;
  /** Place in its message, and whether the gateway's stamp is all the identity it has. */
  index: number;
  stamped: boolean;
  subfolder: string;
};

export type DeadLetter = {
  tenant: string;
  id: string;
  device: string;
  reason: DeadLetterReason;
  detail: string;
  payload: Buffer;
  subfolder: string;
  message: string;
  received: number;
} & Provenance;

/** What a replay must know to come to the reading that this was, and to no other. */
export type Provenance = {
  kind: 'events' | 'state';
  /** Place of the reading in its message; -1: the payload is a whole message. */
  place: number;
  stamped: boolean;
  /** The payload's values are those after the type's transform. */
  transformed: boolean;
};

/**
 * What becomes of a message: rows and dead letters, one for each reading. It depends on the message, its type and the
 * retention only, not on when it is looked at: a redelivery after an outage comes to the same end.
 */
export function interpret(
  incoming: Incoming,
  type: CompiledType,
  retentionMs: number,
): { rows: Row[]; deadLetters: DeadLetter[] } {
  const { tenant, device, message, received, subfolder } = incoming;
  const decoded = decodePayload(incoming.data, received);
  if ('refusal' in decoded) return { rows: [], deadLetters: [deadMessage(incoming, decoded.refusal)] };
  const rows: Row[] = [];
  const deadLetters: DeadLetter[] = [];
  let size = 0;
  for (let index = 0; index < decoded.items.length; index++) {
    const item = decoded.items[index] as (typeof decoded.items)[number];
    if ('refusal' in item) {
      deadLetters.push(deadPart(incoming, index, item.refusal, item.source));
      continue;
    }
    const { candidate } = item;
    const outcome = outsideWindow(candidate, received, retentionMs) ?? type.apply(candidate.values);
    if ('refusal' in outcome) {
      deadLetters.push(deadReading(incoming, index, outcome.refusal, candidate));
      continue;
    }
    const { ts, seq, stamped } = candidate;
    const json = JSON.stringify(outcome.values);
    size += json.length;
    if (size > maxStoredBytes) {
      const detail = `readings have more than ${maxStoredBytes} bytes after the transform`;
      deadLetters.push(deadPart(incoming, index, { reason: 'too-large', detail }, sourceOf(candidate)));
      continue;
    }
    rows.push({ tenant, device, ts, seq, json, message, received, index, stamped, subfolder });
  }
  return { rows, deadLetters };
}

/** A transform may copy one text into many metrics of a thousand readings. */
const maxStoredBytes = 4 * telemetryBounds.payloadBytes;

/** The accept window of a device's clock, seen from the gateway's receive time. */
function outsideWindow(candidate: Candidate, received: number, retentionMs: number): { refusal: Refusal } | undefined {
  const ahead = candidate.ts - received;
  if (ahead > telemetryBounds.aheadMs)
    return clock(`ts is ${ahead} ms ahead of the platform, allowed are ${telemetryBounds.aheadMs}`);
  if (-ahead > retentionMs) return clock(`ts is ${-ahead} ms old, kept are ${retentionMs}`);
  return undefined;
}

function clock(detail: string): { refusal: Refusal } {
  return { refusal: { reason: 'clock', detail } };
}

/** A dead letter of a whole message, with its payload untouched. */
export function deadMessage(incoming: Incoming, refusal: Refusal): DeadLetter {
  return deadLetter(incoming, -1, refusal, incoming.data);
}

function deadPart(incoming: Incoming, index: number, refusal: Refusal, source: unknown): DeadLetter {
  return deadLetter(incoming, index, refusal, Buffer.from(JSON.stringify(source) ?? 'null'));
}

/** A refused reading that has an identity of its own: the device's resend, a message of its own, finds the same dead letter. */
function deadReading(incoming: Incoming, index: number, refusal: Refusal, candidate: Candidate): DeadLetter {
  const part = deadPart(incoming, index, refusal, sourceOf(candidate));
  if (candidate.stamped) return part;
  const { ts, seq, values } = candidate;
  const { tenant, device } = incoming;
  return { ...part, id: readingDeadLetterId({ tenant, device, ts, seq, json: JSON.stringify(values) }) };
}

function deadLetter(incoming: Incoming, place: number, refusal: Refusal, payload: Buffer): DeadLetter {
  const { tenant, device, kind, subfolder, message, received } = incoming;
  const id = messageDeadLetterId(message, place);
  const { reason, detail } = refusal;
  const provenance = { kind, place, stamped: false, transformed: false };
  return { tenant, id, device, reason, detail, payload, subfolder, message, received, ...provenance };
}

function sourceOf(candidate: Candidate): unknown {
  const { ts, seq, values, stamped } = candidate;
  return stamped ? { values } : { ts, seq, values };
}
