import type pg from 'pg';
import { type LetterEvent, transition } from '../platform/dead-letters/transition.ts';
import type { Refusal } from './decode.ts';
import type { Row } from './interpret.ts';
import type { ReplayedLetter } from './replay-plan.ts';
import { printable, type ReportedState } from './store.ts';

export type Key = { tenant: string; id: string; device: string };

/** What a replay came to: `stored` new rows of `rows`, or a refusal, with which the letter is open again. */
export type Settled = {
  letter: ReplayedLetter;
  rows: readonly Row[];
  state: ReportedState | undefined;
  stored: number;
  refusal: Refusal | undefined;
};

const mostLetters = 100;
/** Of payloads in one transaction; one that is larger goes alone. */
const mostBytes = 4_194_304;

/** Letters that are asked for and that no other processor holds, oldest request first. */
export async function waitingLetters(pool: Pick<pg.Pool, 'query'>): Promise<{ keys: Key[]; more: boolean }> {
  const { rows } = await pool.query<Key & { bytes: number }>(
    `select tenant, id, device_id as device, octet_length(coalesce(edited, payload)) as bytes from dead_letters
     where status = 'replaying' order by changed_at, id limit $1 for update skip locked`,
    [mostLetters],
  );
  let bytes = 0;
  const fitting = rows.findIndex((row) => {
    bytes += row.bytes;
    return bytes > mostBytes;
  });
  const count = fitting === -1 ? rows.length : Math.max(1, fitting);
  return { keys: rows.slice(0, count), more: rows.length === mostLetters || count < rows.length };
}

/** Takes these letters for the length of the transaction; without those that meanwhile are another's or settled. */
export async function lockLetters(
  client: Pick<pg.PoolClient, 'query'>,
  keys: readonly Key[],
): Promise<ReplayedLetter[]> {
  type Found = Omit<ReplayedLetter, 'received'> & { received: string };
  const { rows } = await client.query<Found>(
    `select l.id, l.version, l.attempts, l.tenant, l.device_id as device, l.kind, l.subfolder, l.message,
       l.place, l.stamped, l.transformed, coalesce(l.edited, l.payload) as data,
       floor(extract(epoch from l.received_at) * 1000)::bigint as received
     from dead_letters l join unnest($1::text[], $2::text[]) as k (tenant, id) on l.tenant = k.tenant and l.id = k.id
     where l.status = 'replaying' order by l.changed_at, l.id for update of l skip locked`,
    [keys.map((key) => key.tenant), keys.map((key) => key.id)],
  );
  return rows.map((row) => ({ ...row, received: Number(row.received) }));
}

/** Writes into the letters what became of them. */
export async function settleLetters(client: Pick<pg.PoolClient, 'query'>, settled: readonly Settled[]): Promise<void> {
  const next = settled.map((one) => nextOf(one));
  await client.query(
    `update dead_letters l set status = i.status, version = i.version, attempts = i.attempts,
       reason = coalesce(i.reason, l.reason), detail = coalesce(i.detail, l.detail), outcome = i.outcome, changed_at = now()
     from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::text[], $8::jsonb[])
       as i (tenant, id, status, version, attempts, reason, detail, outcome)
     where l.tenant = i.tenant and l.id = i.id`,
    [
      settled.map(({ letter }) => letter.tenant),
      settled.map(({ letter }) => letter.id),
      next.map(({ status }) => status),
      next.map(({ version }) => version),
      next.map(({ attempts }) => attempts),
      settled.map(({ refusal }) => refusal?.reason ?? null),
      settled.map(({ refusal }) => (refusal === undefined ? null : printable(refusal.detail))),
      settled.map((one) => JSON.stringify(outcomeOf(one))),
    ],
  );
}

/** The letter is locked and was asked for, so the event must be possible. */
function nextOf({ letter, refusal }: Settled) {
  const event: LetterEvent = { type: refusal === undefined ? 'stored' : 'failed' };
  const { version, attempts } = letter;
  const step = transition({ status: 'replaying', version, attempts }, event);
  if (!('next' in step)) throw new Error(`dead letter ${letter.id} cannot be ${event.type}`);
  return step.next;
}

function outcomeOf({ rows, state, stored, refusal }: Settled) {
  if (refusal !== undefined) return { result: 'failed' };
  return { result: 'stored', stored, duplicates: rows.length + (state === undefined ? 0 : 1) - stored };
}
