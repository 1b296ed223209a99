import { type LiveEvent, liveKinds } from '../../contracts/bus.ts';

/** What one server-sent event of `/v1/stream` means to the pages. */
export type LiveNews = {
  events: LiveEvent[];
  /** Events were missed: what is shown must be read again. */
  missed: boolean;
};

/** `resync`: the API's own subscription was away. `lagged`: we were too slow. Pings and unknown events say nothing. */
export function readLive({ event, data }: { event: string; data: string }): LiveNews {
  if (event === 'resync' || event === 'lagged') return { events: [], missed: true };
  if (!liveKinds.has(event)) return { events: [], missed: false };
  const parsed = JSON.parse(data) as LiveEvent | LiveEvent[];
  const list = Array.isArray(parsed) ? parsed : [parsed];
  return { events: list.map((one) => ({ ...one, type: event }) as LiveEvent), missed: false };
}
