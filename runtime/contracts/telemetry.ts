/**
 * A reading: what one device measured at one time. Its identity is tenant, device, `ts` and `seq`; exactly one row or
 * exactly one dead letter follows from every acknowledged reading (law 2).
 */
export type Reading = {
  tenant: string;
  device: string;
  /** Epoch milliseconds by the device's clock, or the gateway's receive time when the device sent none. */
  ts: number;
  /** Device's own number for readings of the same `ts`; 0 when it sent none. */
  seq: number;
  values: Values;
  /** The message it came in: gateway's message id, also the trace id. */
  message: string;
};

export type Value = number | string | boolean;
export type Values = Record<string, Value>;

/** Why a message or a reading became a dead letter. */
export const deadLetterReasons = [
  'malformed', // neither JSON nor CBOR, or not one of the allowed shapes
  'too-large', // more readings, metrics or depth than allowed
  'schema', // breaks the device type's schema
  'transform', // the device type's transform failed on it
  'clock', // `ts` outside the accept window
  'conflict', // same key as a stored reading, other values
  'unknown-device', // published by a device that is not registered
  'rejected', // the store refused this row for a reason that no retry changes
  'delivery-attempts', // Pub/Sub gave up on it: the last resort
] as const;
export type DeadLetterReason = (typeof deadLetterReasons)[number];

/** What became of a dead letter. `open`: somebody has to look; the last two are final and go after a while. */
export const deadLetterStatuses = ['open', 'replaying', 'replayed', 'discarded'] as const;
export type DeadLetterStatus = (typeof deadLetterStatuses)[number];

/** Bounds of one message. Beyond them a message is a dead letter `too-large`, except `payloadBytes`, which the gateway holds. */
export const telemetryBounds = {
  payloadBytes: 256 * 1024,
  readingsPerMessage: 1_000,
  metricsPerReading: 64,
  stringLength: 1_024,
  /** How far ahead of the platform a device's clock may be. */
  aheadMs: 5 * 60_000,
} as const;
