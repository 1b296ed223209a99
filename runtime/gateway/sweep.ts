import type { Session } from './session.ts';

/** How long a packet may take from its first to its last byte: 256 KiB in it is 35 kbit/s. */
export const packetTimeMs = 60_000;
export type Overdue = { reason: 'keepalive' | 'slow' | 'expired'; why: string };

/**
 * Whether a connection's time is over. While it is not read, for back-pressure or because its acknowledgement is held, its
 * silence is ours, not the device's. Pure.
 */
export function overdue(
  session: Pick<Session, 'lastSeenAt' | 'idleLimitMs' | 'pausedSince' | 'held' | 'frame' | 'endsAt'>,
  now: number,
): Overdue | undefined {
  if (session.endsAt > 0 && now >= session.endsAt) return { reason: 'expired', why: 'its JWT is over' };
  if (session.pausedSince > 0 || session.held > 0) return undefined;
  const silentMs = now - session.lastSeenAt;
  if (silentMs > session.idleLimitMs) return { reason: 'keepalive', why: `silent for ${silentMs} ms` };
  const since = session.frame.unfinishedSince;
  if (since > 0 && now - since > packetTimeMs)
    return { reason: 'slow', why: `a packet is unfinished after ${now - since} ms, allowed are ${packetTimeMs}` };
  return undefined;
}
