import type { DeadLetterDetail } from '../../contracts/http/dead-letters.ts';
import { telemetryBounds } from '../../contracts/telemetry.ts';
import { logicalShard } from '../../platform/database/shards.ts';
import { type LetterEvent, transition } from '../../platform/dead-letters/transition.ts';
import { problem } from '../../platform/http/problem.ts';
import { invalid } from '../../platform/http/validate.ts';
import type { Ask, Stores } from '../stores.ts';
import { type DetailRow, detailColumns, toDetail } from './row.ts';

/** A letter before and after what somebody did to it; the same twice when it was so already. */
export type Acted = { before: DeadLetterDetail; after: DeadLetterDetail };
export type Editing = { version: number; payload: string; encoding: 'utf8' | 'base64' };

/** @throws ProblemError 404 */
export async function getDeadLetter(stores: Stores, tenant: string, letterId: string): Promise<DeadLetterDetail> {
  return toDetail((await findLetter(stores, tenant, letterId)).row);
}

/**
 * Keeps beside the payload what a replay shall read instead. The original again takes the edit back.
 * @throws ProblemError 400 for a payload that no device could send, 404, 409 when it is not open or has changed.
 */
export async function editDeadLetter(stores: Stores, tenant: string, letterId: string, edit: Editing, by: string) {
  const bytes = bytesOf(edit);
  return await act(stores, tenant, letterId, { type: 'edit', version: edit.version }, by, {
    set: 'edited = nullif($7::bytea, payload)',
    value: bytes,
  });
}

/**
 * Asks the processor to read the letter again: it looks for these in each database, so that nobody else sees the message.
 * @throws ProblemError 404
 */
export async function replayDeadLetter(stores: Stores, tenant: string, letterId: string, by: string): Promise<Acted> {
  return await act(stores, tenant, letterId, { type: 'replay' }, by, {
    set: 'batch = $7::text, outcome = null',
    value: null,
  });
}

/** @throws ProblemError 404, 409 when it is being replayed or was. */
export async function discardDeadLetter(stores: Stores, tenant: string, letterId: string, because: string, by: string) {
  return await act(stores, tenant, letterId, { type: 'discard' }, by, {
    set: 'outcome = $7::jsonb',
    value: JSON.stringify({ result: 'discarded', because }),
  });
}

/** Somebody else may act on it meanwhile: then it is looked at again, a few times. */
const tries = 5;

async function act(
  stores: Stores,
  tenant: string,
  letterId: string,
  event: LetterEvent,
  by: string,
  change: { set: string; value: unknown },
): Promise<Acted> {
  for (let attempt = 1; attempt <= tries; attempt++) {
    const { ask, row } = await findLetter(stores, tenant, letterId);
    const step = transition(row, event);
    if ('same' in step) return { before: toDetail(row), after: toDetail(row) };
    if ('refused' in step) throw problem(409, 'Conflict', step.refused);
    const { status, version } = step.next;
    const [changed] = await ask<DetailRow>(
      `update dead_letters set status = $4, version = $5, changed_by = $6, changed_at = now(), ${change.set}
       where tenant = $1 and id = $2 and version = $3 returning ${detailColumns}`,
      [tenant, row.id, row.version, status, version, by, change.value],
    );
    if (changed !== undefined) return { before: toDetail(row), after: toDetail(changed) };
  }
  throw problem(409, 'Conflict', `dead letter '${letterId}' changes all the time; look at it again`);
}

async function findLetter(stores: Stores, tenant: string, letterId: string): Promise<{ ask: Ask; row: DetailRow }> {
  const dash = letterId.indexOf('-');
  const shard = Number(letterId.slice(0, dash));
  const ask = stores.forShard(shard);
  const [row] =
    (await ask?.<DetailRow>(`select ${detailColumns} from dead_letters where tenant = $1 and id = $2`, [
      tenant,
      letterId.slice(dash + 1),
    ])) ?? [];
  // Several logical shards share a database: the one in the id must be the device's own.
  if (ask === undefined || row === undefined || logicalShard(tenant, row.device_id) !== shard)
    throw problem(404, 'No such dead letter', `there is no dead letter '${letterId}' in tenant '${tenant}'`);
  return { ask, row };
}

function bytesOf({ payload, encoding }: Editing): Buffer {
  const wrong = (message: string) => invalid([{ field: 'body.payload', message }]);
  const bytes = Buffer.from(payload, encoding);
  if (encoding === 'base64' && bytes.toString('base64') !== payload)
    throw wrong('is no base64 of RFC 4648, padded, without line breaks');
  if (bytes.length > telemetryBounds.payloadBytes)
    throw wrong(`has ${bytes.length} bytes; a message has at most ${telemetryBounds.payloadBytes}`);
  return bytes;
}
