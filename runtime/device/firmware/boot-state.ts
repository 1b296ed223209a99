import { z } from 'zod';

/**
 * Which image starts, as it stands on disk. Two slots: one runs, the other takes the next image. A new image has a few
 * starts to prove itself; one that does not is left for the old one by itself. Pure.
 */
export type SlotName = 'a' | 'b';
export type Slot = { signed: string; counter: number; sha256: string };
export type BootState = {
  slots: Record<SlotName, Slot | null>;
  /** The confirmed slot; starts unless a trial is on. Null: nothing was ever confirmed. */
  active: SlotName | null;
  /** An image that has not proved itself, and the starts that it has left. */
  trial: { slot: SlotName; startsLeft: number } | null;
  /** The highest counter ever confirmed: nothing below or at it is taken again. */
  counter: number;
};

const SlotSchema = z.strictObject({
  signed: z.string(),
  counter: z.int(),
  sha256: z.string(),
});
export const BootStateSchema = z.strictObject({
  slots: z.strictObject({ a: SlotSchema.nullable(), b: SlotSchema.nullable() }),
  active: z.enum(['a', 'b']).nullable(),
  trial: z.strictObject({ slot: z.enum(['a', 'b']), startsLeft: z.int().min(0) }).nullable(),
  counter: z.int().min(0),
});

export const firstState: BootState = { slots: { a: null, b: null }, active: null, trial: null, counter: 0 };
export const startsOfTrial = 3;

/** Where the next image goes: never over the one that runs or is the way back. */
export const freeSlot = (state: BootState): SlotName => (state.active === 'a' ? 'b' : 'a');

/** Whether a manifest may be taken. The confirmed image itself is no rollback, and nothing new either. */
export function judge(
  state: BootState,
  next: Pick<Slot, 'counter' | 'sha256'>,
): 'take' | 'ready' | 'installed' | 'rollback' | 'busy' {
  const active = state.active === null ? null : state.slots[state.active];
  if (active !== null && active.sha256 === next.sha256 && active.counter === next.counter) return 'installed';
  if (next.counter <= state.counter) return 'rollback';
  if (state.trial === null) return 'take';
  const tried = state.slots[state.trial.slot];
  if (tried?.sha256 === next.sha256 && tried.counter === next.counter) return 'ready';
  // It may be the one that runs: its slot is not written over.
  return state.trial.startsLeft < startsOfTrial ? 'busy' : 'take';
}

/** An image is whole and verified in the free slot: its trial begins. */
export function installed(state: BootState, slot: Slot): BootState {
  const free = freeSlot(state);
  return {
    ...state,
    slots: { ...state.slots, [free]: slot },
    trial: { slot: free, startsLeft: startsOfTrial },
  };
}

/** The free slot is about to be written: whatever was there is not started any more. */
export function emptied(state: BootState): BootState {
  return { ...state, slots: { ...state.slots, [freeSlot(state)]: null }, trial: null };
}

/**
 * What to start now, and the state to write before starting it: a start of a trial is counted before it happens, so that an
 * image which takes the power with it uses its starts up too.
 */
export function starting(state: BootState): { slot: SlotName | null; trial: boolean; next: BootState } {
  const { trial, active } = state;
  if (trial === null) return { slot: active, trial: false, next: state };
  if (trial.startsLeft === 0) return starting(given(state));
  const next = { ...state, trial: { ...trial, startsLeft: trial.startsLeft - 1 } };
  return { slot: trial.slot, trial: true, next };
}

/** The image under trial does its work: it is the one that starts from now on, and the counter never goes back. */
export function confirmed(state: BootState): BootState {
  const { trial } = state;
  if (trial === null) return state;
  const counter = Math.max(state.counter, state.slots[trial.slot]?.counter ?? 0);
  return { ...state, active: trial.slot, trial: null, counter };
}

/** The image under trial is given up: the confirmed one starts again. */
export function given(state: BootState): BootState {
  return state.trial === null ? state : { ...state, slots: { ...state.slots, [state.trial.slot]: null }, trial: null };
}

/** A slot's bytes are not what its manifest says: it is not started again. */
export function damaged(state: BootState, slot: SlotName): BootState {
  const without = { ...state.slots, [slot]: null };
  return {
    ...state,
    slots: without,
    active: state.active === slot ? null : state.active,
    trial: state.trial?.slot === slot ? null : state.trial,
  };
}
