import { isUtf8 } from 'node:buffer';
import type { DeadLetter, DeadLetterDetail, Payload } from '../../contracts/http/dead-letters.ts';
import { telemetryBounds } from '../../contracts/telemetry.ts';
import { logicalShard } from '../../platform/database/shards.ts';
import { microTime } from '../../platform/http/cursor.ts';

/** A row of `dead_letters` as lists need it; what the device sent is not in it. */
export type LetterRow = {
  tenant: string;
  id: string;
  device_id: string;
  status: DeadLetter['status'];
  reason: DeadLetter['reason'];
  detail: string;
  attempts: number;
  version: number;
  has_edit: boolean;
  bytes: number;
  subfolder: string;
  message: string;
  received_at: Date;
  created_at: Date;
  changed_at: Date | null;
  changed_by: string | null;
  batch: string | null;
  /** `created_at` in full, for order and cursor. */
  at: string;
};
export const letterColumns = `tenant, id, device_id, status, reason, detail, attempts, version, edited is not null as has_edit,
  octet_length(payload) as bytes, subfolder, message, received_at, created_at, changed_at, changed_by, batch,
  ${microTime('created_at')} as at`;

export type DetailRow = LetterRow & {
  kind: DeadLetterDetail['kind'];
  place: number;
  transformed: boolean;
  outcome: DeadLetterDetail['outcome'];
  shown: Buffer;
  edit_bytes: number | null;
  edit_shown: Buffer | null;
};
/** No message is larger, so that nothing is cut off but what an older release may have kept. */
export const shownBytes = telemetryBounds.payloadBytes;
export const detailColumns = `${letterColumns}, kind, place, transformed, outcome, substr(payload, 1, ${shownBytes}) as shown,
  octet_length(edited) as edit_bytes, substr(edited, 1, ${shownBytes}) as edit_shown`;

/** Logical shard of its device, `-`, and the hash that it is stored under: an id says where the letter is. */
export function letterIdOf(row: Pick<LetterRow, 'tenant' | 'device_id' | 'id'>): string {
  return `${logicalShard(row.tenant, row.device_id)}-${row.id}`;
}

export function toDeadLetter(row: LetterRow): DeadLetter {
  return {
    id: letterIdOf(row),
    device: row.device_id,
    status: row.status,
    reason: row.reason,
    detail: row.detail,
    attempts: row.attempts,
    version: row.version,
    edited: row.has_edit,
    bytes: row.bytes,
    subfolder: row.subfolder,
    message: row.message,
    receivedAt: row.received_at.toISOString(),
    createdAt: row.created_at.toISOString(),
    changedAt: row.changed_at?.toISOString() ?? null,
    changedBy: row.changed_by,
    batch: row.batch,
  };
}

export function toDetail(row: DetailRow): DeadLetterDetail {
  return {
    ...toDeadLetter(row),
    payload: shownPayload(row.shown, row.bytes),
    edit: row.edit_shown === null ? null : shownPayload(row.edit_shown, row.edit_bytes ?? row.edit_shown.length),
    kind: row.kind,
    place: row.place < 0 ? null : row.place,
    transformed: row.transformed,
    outcome: row.outcome,
  };
}

/** Bytes as they are, and as text where they are text. */
export function shownPayload(shown: Buffer, bytes: number): Payload {
  const text = isUtf8(shown) ? shown.toString('utf8') : null;
  return { bytes, text, base64: shown.toString('base64'), truncated: shown.length < bytes };
}
