import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type BootState,
  confirmed,
  damaged,
  emptied,
  firstState,
  freeSlot,
  given,
  installed,
  judge,
  starting,
  startsOfTrial,
} from '../../../runtime/device/firmware/boot-state.ts';

const slot = (counter: number) => ({ signed: `s${counter}`, counter, sha256: `h${counter}` });
const withConfirmed = (counter: number): BootState => confirmed(starting(installed(firstState, slot(counter))).next);

/** Everything that can happen to a device, in any order, power losses included: they are the state as it was written. */
const event = fc.oneof(
  fc.record({ kind: fc.constant('install' as const), counter: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constantFrom('start', 'confirm', 'give-up', 'lose-active', 'empty') }),
);

function after(state: BootState, each: { kind: string; counter?: number }): BootState {
  if (each.kind === 'install') {
    const next = slot(each.counter ?? 1);
    return judge(state, next) === 'take' ? installed(emptied(state), next) : state;
  }
  if (each.kind === 'start') return starting(state).next;
  if (each.kind === 'confirm') return confirmed(state);
  if (each.kind === 'give-up') return given(state);
  if (each.kind === 'lose-active') return state.active === null ? state : damaged(state, state.active);
  return state.trial !== null && state.trial.startsLeft < startsOfTrial ? state : emptied(state);
}

test('whatever happens: the counter never goes back, the confirmed image is never written over, a trial ends', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let state = firstState;
      for (const each of events) {
        const next = after(state, each);
        expect(next.counter).toBeGreaterThanOrEqual(state.counter);
        if (each.kind !== 'lose-active' && each.kind !== 'confirm' && state.active !== null)
          expect(next.slots[state.active]).toEqual(state.slots[state.active]);
        if (next.active !== null) expect(next.slots[next.active]).not.toBeNull();
        expect(freeSlot(next)).not.toBe(next.active);
        state = next;
      }
      for (let n = 0; n <= startsOfTrial; n++) state = starting(state).next;
      expect(starting(state).trial).toBe(false);
    }),
  );
});

test('a new image has three starts, then the old one starts again', () => {
  let state = installed(withConfirmed(4), slot(5));
  const old = state.active;
  const seen = [];
  for (let n = 0; n < 5; n++) {
    const { slot: started, trial, next } = starting(state);
    seen.push([started === old, trial]);
    state = next;
  }
  expect(seen).toEqual([
    [false, true],
    [false, true],
    [false, true],
    [true, false],
    [true, false],
  ]);
  expect(state.counter).toBe(4);
});

test.each([
  ['a higher counter', withConfirmed(4), slot(5), 'take'],
  ['the confirmed one again', withConfirmed(4), slot(4), 'installed'],
  ['the same counter with other bytes', withConfirmed(4), { ...slot(4), sha256: 'x' }, 'rollback'],
  ['a lower counter, as when an old manifest is replayed', withConfirmed(4), slot(3), 'rollback'],
  ['the one that waits for its trial', installed(withConfirmed(4), slot(5)), slot(5), 'ready'],
  ['another before the trial began', installed(withConfirmed(4), slot(5)), slot(6), 'take'],
  ['another while it runs on trial', starting(installed(withConfirmed(4), slot(5))).next, slot(6), 'busy'],
] as const)('%s: %#', (_, state, next, verdict) => {
  expect(judge(state, next)).toBe(verdict);
});

test('a counter that was given up is not used up: the same release may come again', () => {
  const state = given(starting(installed(withConfirmed(4), slot(5))).next);
  expect([state.counter, judge(state, slot(5))]).toEqual([4, 'take']);
});
