import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deadLetterStatuses } from '../../../runtime/contracts/telemetry.ts';
import { type LetterEvent, type LetterState, transition } from '../../../runtime/platform/dead-letters/transition.ts';

const fresh: LetterState = { status: 'open', version: 1, attempts: 0 };

test.each([
  ['open', 'edit', 'open'],
  ['open', 'replay', 'replaying'],
  ['open', 'discard', 'discarded'],
  ['open', 'stored', 'refused'],
  ['open', 'failed', 'refused'],
  ['replaying', 'edit', 'refused'],
  ['replaying', 'replay', 'same'],
  ['replaying', 'discard', 'refused'],
  ['replaying', 'stored', 'replayed'],
  ['replaying', 'failed', 'open'],
  ['replayed', 'edit', 'refused'],
  ['replayed', 'replay', 'same'],
  ['replayed', 'discard', 'refused'],
  ['replayed', 'stored', 'refused'],
  ['replayed', 'failed', 'refused'],
  ['discarded', 'edit', 'refused'],
  ['discarded', 'replay', 'replaying'],
  ['discarded', 'discard', 'same'],
  ['discarded', 'stored', 'refused'],
  ['discarded', 'failed', 'refused'],
] as const)('a letter that is %s, on %s: %s', (status, type, outcome) => {
  const step = transition({ status, version: 7, attempts: 2 }, type === 'edit' ? { type, version: 7 } : { type });
  if ('next' in step) expect(step.next.status).toBe(outcome);
  else expect(Object.keys(step)).toEqual([outcome]);
});

test('an edit made from another version is refused', () => {
  expect(transition({ ...fresh, version: 3 }, { type: 'edit', version: 2 })).toEqual({
    refused: 'the letter is at version 3, the edit was made from 2; look again',
  });
});

const event: fc.Arbitrary<LetterEvent> = fc.oneof(
  fc.record({ type: fc.constant('edit' as const), version: fc.integer({ min: 1, max: 6 }) }),
  fc.constantFrom<LetterEvent>({ type: 'replay' }, { type: 'discard' }, { type: 'stored' }, { type: 'failed' }),
);

test('whatever happens to a letter, in whatever order and however often: it is stored once at most', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      let state = fresh;
      let stored = 0;
      let ended = 0;
      for (const one of events) {
        const step = transition(state, one);
        if (!('next' in step)) continue;
        expect(step.next.version).toBe(state.version + 1);
        if (one.type === 'stored' || one.type === 'failed') ended++;
        if (one.type === 'stored') stored++;
        // What is replayed stays so: nothing opens it again, so that its readings cannot count twice.
        expect(state.status).not.toBe('replayed');
        state = step.next;
      }
      expect(stored).toBe(state.status === 'replayed' ? 1 : 0);
      expect(state.attempts).toBe(ended);
      expect(deadLetterStatuses).toContain(state.status);
    }),
  );
});

/**
 * People and processors on one letter, as the database lets them: each reads, may wait for as long as it likes or die,
 * and its write counts only when the version is still the one it read. A processor's write is one with its rows.
 */
test('with people and processors at once, and any of them dying at any time, rows and status agree', () => {
  const step = fc.record({ actor: fc.nat({ max: 3 }), event, dies: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let letter = fresh;
      let rows = 0;
      const read = new Map<number, LetterState>();
      for (const { actor, event: asked, dies } of steps) {
        const seen = read.get(actor);
        read.delete(actor);
        if (seen === undefined) {
          read.set(actor, letter);
          continue;
        }
        if (dies) continue;
        const outcome = transition(seen, asked);
        if (!('next' in outcome) || letter.version !== seen.version) continue;
        letter = outcome.next;
        if (asked.type === 'stored') rows++;
      }
      expect(rows).toBe(letter.status === 'replayed' ? 1 : 0);
    }),
  );
});
