import { type CommandStatus, isOpen } from '../../contracts/commands.ts';

/** What of a command changes. Times are epoch milliseconds. */
export type CommandState = {
  status: CommandStatus;
  deadline: number;
  attempts: number;
  sentAt: number | null;
  /** Number of the connection that it was sent on last. */
  connection: number | null;
  acknowledgedAt: number | null;
  finishedAt: number | null;
  result: unknown;
  late: { status: 'succeeded' | 'failed'; result: unknown; at: number } | null;
};

export type CommandEvent =
  /** It is given to the gateway that holds this connection of its device. */
  | { type: 'sent'; connection: number }
  /** The device confirmed that it has it. */
  | { type: 'received' }
  | { type: 'result'; status: 'succeeded' | 'failed'; result: unknown; at: number }
  | { type: 'cancel' }
  | { type: 'expire' };

/**
 * The state after an event, or in one word why nothing follows from it. Pure. What is final stays so: an answer after it
 * is kept beside it as `late`, the first one. An answer counts by the time at which the gateway took it.
 */
export function step(state: CommandState, event: CommandEvent, now: number): CommandState | Ignored {
  const open = isOpen(state.status);
  switch (event.type) {
    case 'sent':
      if (!open) return 'final';
      if (now >= state.deadline) return 'overdue';
      if (event.connection < (state.connection ?? 0)) return 'stale';
      return {
        ...state,
        status: state.status === 'queued' ? 'sent' : state.status,
        attempts: state.attempts + 1,
        sentAt: now,
        connection: event.connection,
      };
    case 'received':
      if (!open) return 'final';
      if (state.status === 'acknowledged') return 'again';
      return { ...state, status: 'acknowledged', acknowledgedAt: now };
    case 'result': {
      const { status, result, at } = event;
      if (open && at <= state.deadline)
        return { ...state, status, result, acknowledgedAt: state.acknowledgedAt ?? now, finishedAt: now };
      const late = { status, result, at };
      if (open) return { ...state, status: 'expired', finishedAt: now, late };
      return (state.status === 'expired' || state.status === 'cancelled') && state.late === null
        ? { ...state, late }
        : 'again';
    }
    case 'cancel':
      return open ? { ...state, status: 'cancelled', finishedAt: now } : 'final';
    case 'expire':
      if (!open) return 'final';
      return now >= state.deadline ? { ...state, status: 'expired', finishedAt: now } : 'early';
  }
}

/** `final`: it has ended. `again`: said before. `stale`: a newer connection has it. `overdue`, `early`: by its deadline. */
export type Ignored = 'final' | 'again' | 'stale' | 'overdue' | 'early';
