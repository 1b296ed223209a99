import type { Refusal } from './decode.ts';
import type { CompiledType } from './device-type.ts';
import { type Incoming, interpret, type Provenance, type Row } from './interpret.ts';
import type { ReportedState } from './store.ts';

/** A dead letter that is to go its way again. `data`: its payload, or what somebody made of it. */
export type ReplayedLetter = { id: string; version: number; attempts: number } & Incoming & Provenance;

/** What the letter comes to this time: all of it, or nothing and why. */
export type ReplayPlan = { rows: readonly Row[]; state: ReportedState | undefined } | { refusal: Refusal };

/**
 * A letter read as the processor reads a message, with what the message left behind: the gateway's time of receipt, and
 * the reading's place in its message, so that a reading without `ts` gets the key that it would have had. Pure.
 *
 * A letter is all or nothing: it is open, or it is rows, never both, or a reading would count twice.
 * @param type `null`: there is no such device.
 */
export function planReplay(
  letter: ReplayedLetter,
  type: CompiledType | null,
  retentionMs: number,
  now: number,
): ReplayPlan {
  const { tenant, device, place } = letter;
  if (type === null) return refuse('unknown-device', `device '${device}' is not registered in tenant '${tenant}'`);
  // The devices service failed on it, and only what goes by the processor is replayed: saying "replayed" would be a lie.
  if (letter.kind === 'state')
    return refuse(
      'rejected',
      "a reported state or a command's result is not replayed: the device reports its state anew; discard this letter",
    );
  const { rows, deadLetters } = interpret(letter, letter.transformed ? asItIs(type) : type, retentionMs);
  const [dead] = deadLetters;
  if (dead !== undefined) {
    const which = dead.place > 0 ? `reading ${dead.place + 1}: ` : '';
    return refuse(dead.reason, `${which}${dead.detail}`);
  }
  if (place >= 0 && rows.length !== 1)
    return refuse('malformed', `the letter is one reading of a message; its payload has ${rows.length}`);
  const old = rows.find((row) => row.ts < now - retentionMs);
  if (old !== undefined) return refuse('clock', `ts is ${now - old.ts} ms old by now, kept are ${retentionMs}`);
  return { rows: place < 0 ? rows : rows.map((row) => inPlace(row, letter)), state: undefined };
}

/** The key that the reading had where it came from. */
function inPlace(row: Row, { place, stamped }: Provenance): Row {
  if (row.stamped) return { ...row, index: place, seq: place };
  return { ...row, index: place, stamped };
}

/** Its values went through the type already. */
const asItIs = (type: CompiledType): CompiledType => ({ ...type, apply: (values) => ({ values }) });

const refuse = (reason: Refusal['reason'], detail: string): { refusal: Refusal } => ({ refusal: { reason, detail } });
