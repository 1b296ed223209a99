import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from './session.ts';

const stepMs = 100;

/** How many of `left` sessions to close now so that all are closed in the remaining time. Pure. */
export function closeNow(left: number, remainingMs: number): number {
  return remainingMs <= stepMs ? left : Math.ceil((left * stepMs) / remainingMs);
}

/**
 * Closes all sessions, in random order, spread evenly over `seconds`: devices come back to other gateways one after the
 * other. A session whose acknowledgement is held comes later, at the latest when the longest hold is over.
 */
export async function drain(options: {
  sessions: () => Iterable<Session>;
  close: (session: Session) => void;
  seconds: number;
  heldCapMs: number;
  random: () => number;
}): Promise<void> {
  const { sessions, close, seconds, heldCapMs, random } = options;
  const began = Date.now();
  const endsAt = began + seconds * 1_000;
  for (;;) {
    const all = [...sessions()];
    if (all.length === 0) return;
    const now = Date.now();
    const free = all.filter((session) => session.held === 0 && session.endReason === undefined);
    for (const session of pick(free, closeNow(all.length, endsAt - now), random)) close(session);
    if (now > endsAt + heldCapMs) {
      for (const session of all) close(session);
      if (now > endsAt + heldCapMs + 2_000) return;
    }
    await sleep(stepMs);
  }
}

function pick(sessions: Session[], count: number, random: () => number): Session[] {
  for (let i = 0; i < Math.min(count, sessions.length - 1); i++) {
    const j = i + Math.floor(random() * (sessions.length - i));
    [sessions[i], sessions[j]] = [sessions[j] as Session, sessions[i] as Session];
  }
  return sessions.slice(0, count);
}
