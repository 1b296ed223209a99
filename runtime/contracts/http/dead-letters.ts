import { z } from 'zod';
import { DeviceId } from '../identifiers.ts';
import { deadLetterReasons, deadLetterStatuses, telemetryBounds } from '../telemetry.ts';
import { Cursor, Degraded, Instant, Limit, type Operation, page } from './operation.ts';

const Time = z.iso.datetime();

/** Base64 of the largest payload, and what is around it in the JSON of an edit. */
const editBytes = Math.ceil((telemetryBounds.payloadBytes * 4) / 3) + 1_024;

const Summary = {
  id: z.string(),
  device: z.string(),
  status: z.enum(deadLetterStatuses),
  reason: z.enum(deadLetterReasons).meta({ description: 'Why it could not be stored when that was last tried' }),
  detail: z.string(),
  attempts: z.int().meta({ description: 'Replays that came to an end' }),
  version: z.int().meta({ description: 'Rises with every change; an edit names the version that it was made from' }),
  edited: z.boolean().meta({ description: 'There is a payload that is replayed instead of the original' }),
  bytes: z.int().meta({ description: 'Size of the original payload' }),
  subfolder: z.string(),
  message: z.string().meta({ description: "Gateway's message id, also the trace id" }),
  receivedAt: Time.meta({ description: "The gateway's time of receipt; a replay uses it, too" }),
  createdAt: Time,
  changedAt: Time.nullable(),
  changedBy: z.string().nullable(),
  batch: z.string().nullable().meta({ description: 'The bulk action that took it last' }),
};

/** A dead letter as lists have it: everything but what the device sent. */
export const DeadLetter = z.object(Summary).meta({ id: 'DeadLetter' });
export type DeadLetter = z.infer<typeof DeadLetter>;

/** What a device sent, or what somebody made of it. */
export const Payload = z
  .object({
    bytes: z.int(),
    text: z.string().nullable().meta({ description: 'Null where the bytes are no UTF-8, as in CBOR' }),
    base64: z.string().meta({ description: 'The bytes as they are' }),
    truncated: z.boolean().meta({ description: 'Only the beginning is shown: it is longer than any message may be' }),
  })
  .meta({ id: 'Payload' });
export type Payload = z.infer<typeof Payload>;

export const DeadLetterDetail = z
  .object({
    ...Summary,
    payload: Payload.meta({ description: 'As it came; it never changes' }),
    edit: Payload.nullable().meta({ description: 'What is replayed instead' }),
    kind: z.enum(['events', 'state']).meta({ description: 'Telemetry, or a reported state' }),
    place: z.int().nullable().meta({ description: 'Place of the reading in its message; null for a whole message' }),
    transformed: z
      .boolean()
      .meta({ description: "The values are those after the type's transform, which a replay does not run again" }),
    outcome: z
      .object({
        result: z.enum(['stored', 'failed', 'discarded']),
        stored: z.int().optional().meta({ description: 'New rows' }),
        duplicates: z.int().optional().meta({ description: 'Readings that were stored already' }),
        because: z.string().optional().meta({ description: 'Why it was discarded' }),
      })
      .nullable()
      .meta({ description: 'What the last replay came to, or why it was discarded' }),
  })
  .meta({ id: 'DeadLetterDetail' });
export type DeadLetterDetail = z.infer<typeof DeadLetterDetail>;

const letterParams = z.object({
  letterId: z.string().regex(/^[0-9]{1,4}-[0-9a-f]{32}$/, 'a dead letter id is shard-hash, as listed'),
});
const Because = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{Cc}*$/u, 'a reason is one line of text');

const filters = {
  reason: z.enum(deadLetterReasons).optional(),
  device: DeviceId.optional(),
  from: Instant.optional(),
  to: Instant.optional(),
};

/** Which open letters a bulk action takes. */
const Filter = z.strictObject(filters).meta({ id: 'DeadLetterFilter' });
const Batch = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'a batch has 1 to 64 of letters, digits, - _ .')
  .meta({
    description: 'Name of the action: a letter is taken once under it, so that it can be called again to go on',
  });
const bulk = { filter: Filter, batch: Batch, limit: z.int().min(1).max(500).default(200) };
const BulkResult = z
  .object({
    batch: z.string(),
    changed: z.int().meta({ description: 'Letters taken by this call' }),
    remaining: z.int().meta({ description: 'Open letters that the filter still finds, 10000 for more' }),
    degraded: Degraded,
  })
  .meta({ id: 'DeadLetterBulk' });
export type BulkResult = z.infer<typeof BulkResult>;

export const DeadLetterSummary = z
  .object({
    open: z.int(),
    replaying: z.int(),
    replayed: z.int(),
    discarded: z.int(),
    oldestOpenAt: Time.nullable(),
    reasons: z.array(z.object({ reason: z.enum(deadLetterReasons), open: z.int() })),
    degraded: Degraded,
  })
  .meta({ id: 'DeadLetterSummary' });
export type DeadLetterSummary = z.infer<typeof DeadLetterSummary>;

export const deadLetterOperations = [
  {
    id: 'listDeadLetters',
    method: 'GET',
    path: '/v1/dead-letters',
    service: 'telemetry',
    scope: 'telemetry:read',
    tag: 'Dead letters',
    summary: 'Messages and readings that could not be stored, newest first, without their payloads',
    query: z.object({
      status: z.enum(deadLetterStatuses).optional(),
      ...filters,
      batch: Batch.optional(),
      cursor: Cursor.optional(),
      limit: Limit(50, 500),
    }),
    success: { status: 200, body: page(DeadLetter).meta({ id: 'DeadLetterPage' }) },
    problems: [],
  },
  {
    id: 'getDeadLetterSummary',
    method: 'GET',
    path: '/v1/dead-letter-summary',
    service: 'telemetry',
    scope: 'telemetry:read',
    tag: 'Dead letters',
    summary: 'How many dead letters there are by status, and open ones by reason; of one bulk action, how far it is',
    query: z.object({ batch: Batch.optional() }),
    success: { status: 200, body: DeadLetterSummary },
    problems: [],
  },
  {
    id: 'replayDeadLetters',
    method: 'POST',
    path: '/v1/dead-letter-replays',
    service: 'telemetry',
    scope: 'dead-letters:write',
    tag: 'Dead letters',
    summary: 'Replay open letters that a filter finds, oldest first, some at a time: call it until `remaining` is 0',
    body: z.strictObject(bulk).meta({ id: 'ReplayDeadLettersRequest' }),
    success: { status: 200, body: BulkResult },
    problems: [],
  },
  {
    id: 'discardDeadLetters',
    method: 'POST',
    path: '/v1/dead-letter-discards',
    service: 'telemetry',
    scope: 'dead-letters:write',
    tag: 'Dead letters',
    summary: 'Discard open letters that a filter finds, oldest first, some at a time: call it until `remaining` is 0',
    body: z.strictObject({ ...bulk, because: Because }).meta({ id: 'DiscardDeadLettersRequest' }),
    success: { status: 200, body: BulkResult },
    problems: [],
  },
  {
    id: 'getDeadLetter',
    method: 'GET',
    path: '/v1/dead-letters/{letterId}',
    service: 'telemetry',
    scope: 'dead-letters:read',
    tag: 'Dead letters',
    summary: 'One dead letter with what the device sent',
    params: letterParams,
    success: { status: 200, body: DeadLetterDetail },
    problems: [404],
  },
  {
    id: 'editDeadLetter',
    method: 'PUT',
    path: '/v1/dead-letters/{letterId}/payload',
    service: 'telemetry',
    scope: 'dead-letters:write',
    tag: 'Dead letters',
    summary: 'What a replay reads instead of the original, which is kept; the original again takes the edit back',
    params: letterParams,
    body: z
      .strictObject({
        version: z.int().min(1).meta({ description: 'As the letter was when it was read' }),
        payload: z.string().max(editBytes),
        encoding: z.enum(['utf8', 'base64']).default('utf8'),
      })
      .meta({ id: 'EditDeadLetterRequest' }),
    bodyBytes: 2 * editBytes,
    success: { status: 200, body: DeadLetterDetail },
    problems: [404, 409],
  },
  {
    id: 'replayDeadLetter',
    method: 'POST',
    path: '/v1/dead-letters/{letterId}/replay',
    service: 'telemetry',
    scope: 'dead-letters:write',
    tag: 'Dead letters',
    summary: 'Have the processor read it again, and nobody else; asking twice stores nothing twice',
    params: letterParams,
    success: { status: 200, body: DeadLetterDetail },
    problems: [404, 409],
  },
  {
    id: 'discardDeadLetter',
    method: 'POST',
    path: '/v1/dead-letters/{letterId}/discard',
    service: 'telemetry',
    scope: 'dead-letters:write',
    tag: 'Dead letters',
    summary: 'Put it aside for good, with a reason',
    params: letterParams,
    body: z.strictObject({ because: Because }).meta({ id: 'DiscardDeadLetterRequest' }),
    success: { status: 200, body: DeadLetterDetail },
    problems: [404, 409],
  },
] as const satisfies readonly Operation[];
