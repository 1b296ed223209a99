import type pg from 'pg';
import { isNoPartition, makePartitionsFor } from '../platform/database/partition-keeper.ts';
import { isTransient } from '../platform/database/pool.ts';
import type { Refusal } from './decode.ts';
import type { CompiledType } from './device-type.ts';
import type { DeviceTypes } from './device-types.ts';
import { stampedSeq } from './identity.ts';
import type { Row } from './interpret.ts';
import { type Key, lockLetters, type Settled, settleLetters, waitingLetters } from './letters.ts';
import { findOthers, insertNew } from './reading-statements.ts';
import { planReplay, type ReplayedLetter } from './replay-plan.ts';
import { markRepairs } from './state-writer.ts';
import { conflictOf, upsertStates } from './store.ts';

export type ReplayOptions = {
  types: Pick<DeviceTypes, 'get' | 'lookup'>;
  /** Whether a device lives in the database that is worked on. */
  isHome: (tenant: string, device: string) => boolean;
  retentionMs: number;
  now: () => number;
};

/**
 * Lets dead letters go their way again: those of one database that somebody asked for, oldest request first. Only the
 * processor, on which they failed, gets to see them: they go by no topic.
 *
 * What a letter becomes and what the letter then says are one transaction, since both are in one database: a processor
 * that dies at any moment has done all of it or nothing, and a letter asked for twice is stored once.
 * @returns what became of each, and whether there may be more.
 * @throws what `isTransient` calls transient: the letters stay asked for.
 */
export async function replayLetters(
  pool: pg.Pool,
  options: ReplayOptions,
): Promise<{ settled: Settled[]; more: boolean }> {
  const { keys, more } = await waitingLetters(pool);
  if (keys.length === 0) return { settled: [], more: false };
  const unknown = keys.filter(({ tenant, device }) => options.types.get(tenant, device) === undefined);
  if (unknown.length > 0) await options.types.lookup(unknown.map(({ tenant, device }) => [tenant, device]));
  const together = await replayOnce(pool, keys, options);
  if (together !== 'singly') return { settled: together, more };
  const settled: Settled[] = [];
  for (const key of keys) {
    const one = await replayOnce(pool, [key], options);
    if (one !== 'singly') settled.push(...one);
  }
  return { settled, more };
}

/**
 * One transaction. Several letters whose rows are all new go together; where one of them meets a row that is there, or
 * is refused by Postgres, nothing of it happens and each goes alone.
 */
async function replayOnce(pool: pg.Pool, keys: readonly Key[], options: ReplayOptions): Promise<Settled[] | 'singly'> {
  for (let mayMake = true; ; mayMake = false) {
    let rows: readonly Row[] = [];
    try {
      return await inTransaction(pool, async (client) => {
        const letters = await lockLetters(client, keys);
        const settled = letters.map((letter) => planned(letter, options));
        rows = settled.flatMap((one) => one.rows);
        const alone = letters.length === 1;
        await store(client, settled, rows, alone, options);
        await settleLetters(client, settled);
        return settled;
      });
    } catch (error) {
      if (error instanceof OneByOne) return 'singly';
      if (mayMake && isNoPartition(error)) await makePartitionsFor(pool, rows);
      else if (isTransient(error)) throw error;
      else if (keys.length > 1) return 'singly';
      else return await refuse(pool, keys, error);
    }
  }
}

/** The letters of this transaction are to be tried one at a time. */
class OneByOne extends Error {}

function planned(letter: ReplayedLetter, options: ReplayOptions): Settled {
  const { types, isHome, retentionMs, now } = options;
  const failed = (refusal: Refusal): Settled => ({ letter, rows: [], state: undefined, stored: 0, refusal });
  if (!isHome(letter.tenant, letter.device))
    return failed({ reason: 'rejected', detail: `device '${letter.device}' lives in another database now` });
  const type = types.get(letter.tenant, letter.device);
  // Forgotten between the look-up and here; the next turn looks it up again.
  if (type === undefined) throw new Error(`the type of device ${letter.device} is not known now`);
  try {
    const plan = planReplay(letter, type, retentionMs, now());
    return 'refusal' in plan
      ? failed(plan.refusal)
      : { letter, rows: plan.rows, state: plan.state, stored: 0, refusal: undefined };
  } catch (error) {
    return failed({ reason: 'rejected', detail: `the processor failed on it: ${String(error).slice(0, 200)}` });
  }
}

/** Stores what the letters came to; fills in `stored`, or the conflict of a letter that is alone. */
async function store(
  client: pg.PoolClient,
  settled: readonly Settled[],
  rows: readonly Row[],
  alone: boolean,
  { types }: ReplayOptions,
): Promise<void> {
  const watched = settled.filter(
    ({ letter, rows }) => rows.length > 0 && watches(types.get(letter.tenant, letter.device)),
  );
  const devices = watched.map(({ letter }) => [letter.tenant, letter.device] as const);
  if (rows.length > 0) {
    await client.query('savepoint readings');
    let inserted = await insertNew(client, rows, devices);
    if (inserted < rows.length) {
      if (!alone) throw new OneByOne();
      const [one] = settled as [Settled];
      const others = await findOthers(client, rows);
      const conflict = others.find(({ row }) => !row.stamped);
      if (conflict !== undefined) {
        await client.query('rollback to savepoint readings');
        const { reason, detail } = conflictOf(conflict.row, conflict.stored);
        Object.assign(one, { rows: [], refusal: { reason, detail } });
        return;
      }
      const again = others.map(({ row }) => ({ ...row, seq: stampedSeq(row.message, row.index) }));
      if (again.length > 0) inserted += await insertNew(client, again, devices);
      one.stored = inserted;
    } else for (const one of settled) one.stored = one.rows.length;
    await markRepairs(client, rows);
  }
  for (const one of settled) if (one.state !== undefined) one.stored = await upsertStates(client, [one.state]);
}

const watches = (type: CompiledType | null | undefined) => (type?.alerts.length ?? 0) > 0;

/** A letter that Postgres will never take is open again and says why. */
async function refuse(pool: pg.Pool, keys: readonly Key[], error: unknown): Promise<Settled[]> {
  const { message, code } = error as { message?: string; code?: string };
  const detail = `the store refused it (${code ?? 'no code'}): ${message ?? String(error)}`;
  return await inTransaction(pool, async (client) => {
    const letters = await lockLetters(client, keys);
    const settled = letters.map(
      (letter): Settled => ({ letter, rows: [], state: undefined, stored: 0, refusal: { reason: 'rejected', detail } }),
    );
    await settleLetters(client, settled);
    return settled;
  });
}

async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true; // the connection is gone, and the transaction with it
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
