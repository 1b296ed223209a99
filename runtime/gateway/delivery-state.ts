import { commandBounds } from '../contracts/commands.ts';

/** What one connection has been sent from above, and what it still waits for. Pure; times are epoch milliseconds. */
export type DeliveryState = {
  /** Version of the desired state that it was sent; 0 before. */
  config: number;
  /** Commands that it has not confirmed, by id, and when they were sent. */
  inFlight: Map<string, number>;
  /** `asked`: a request is under way. `again`: something came in meanwhile. */
  phase: 'idle' | 'wanted' | 'asked' | 'again';
  /** Something could not be sent to it: it is asked for again then. 0: nothing. */
  retryAt: number;
};

export const newDeliveryState = (): DeliveryState => ({ config: 0, inFlight: new Map(), phase: 'idle', retryAt: 0 });

/** After it a command that was not confirmed is asked for again; the devices service gives it no sooner. */
export const resendMs = 31_000;

/** @returns whether the session has to be queued for a request. */
export function want(state: DeliveryState): boolean {
  if (state.phase === 'asked') state.phase = 'again';
  if (state.phase !== 'idle') return false;
  state.phase = 'wanted';
  return true;
}

/** A request was answered, or failed. @returns whether the session has to be queued again. */
export function answered(state: DeliveryState): boolean {
  const again = state.phase === 'again';
  state.phase = 'idle';
  return again && want(state);
}

/** How many commands may be sent to it now. */
export const room = (state: DeliveryState): number => Math.max(0, commandBounds.inFlight - state.inFlight.size);

/** Forgets what was not confirmed in time. @returns whether something is to be asked for again. */
export function overdue(state: DeliveryState, now: number): boolean {
  let late = false;
  for (const [id, sentAt] of state.inFlight)
    if (now - sentAt >= resendMs) {
      state.inFlight.delete(id);
      late = true;
    }
  if (state.retryAt === 0 || now < state.retryAt) return late;
  state.retryAt = 0;
  return true;
}
