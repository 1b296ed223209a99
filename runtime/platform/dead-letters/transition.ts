import type { DeadLetterStatus } from '../../contracts/telemetry.ts';

/** As much of a dead letter as decides what may be done with it. */
export type LetterState = {
  status: DeadLetterStatus;
  /** Rises by one with every change. */
  version: number;
  /** Replays that came to an end. */
  attempts: number;
};

/**
 * What happens to a letter: the first three by people (telemetry), the last two by the processor, in the transaction
 * that stores the letter's readings or finds that they cannot be stored.
 */
export type LetterEvent =
  | { type: 'edit'; version: number }
  | { type: 'replay' }
  | { type: 'discard' }
  | { type: 'stored' }
  | { type: 'failed' };

/** The letter's next state; `same` when the event asks for what is so already; or why it may not happen, in one line. */
export type Transition = { next: LetterState } | { same: true } | { refused: string };

/** The life of a dead letter. Pure; who stores it compares the version, so two that act at once do not both succeed. */
export function transition(state: LetterState, event: LetterEvent): Transition {
  const { status, version, attempts } = state;
  const to = (next: DeadLetterStatus, ended = 0): Transition => ({
    next: { status: next, version: version + 1, attempts: attempts + ended },
  });
  switch (event.type) {
    case 'edit':
      if (event.version !== version)
        return { refused: `the letter is at version ${version}, the edit was made from ${event.version}; look again` };
      return status === 'open' ? to('open') : { refused: `only an open letter is edited; this one is ${status}` };
    case 'replay':
      if (status === 'replaying' || status === 'replayed') return { same: true };
      return to('replaying');
    case 'discard':
      if (status === 'discarded') return { same: true };
      return status === 'open'
        ? to('discarded')
        : { refused: `only an open letter is discarded; this one is ${status}` };
    case 'stored':
      return status === 'replaying' ? to('replayed', 1) : { refused: `no replay of it is asked for; it is ${status}` };
    case 'failed':
      return status === 'replaying' ? to('open', 1) : { refused: `no replay of it is asked for; it is ${status}` };
  }
}
