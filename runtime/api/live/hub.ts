import { type LiveEvent, liveKinds } from '../../contracts/bus.ts';
import type { Cache } from '../../platform/cache/cache.ts';
import { liveChannel } from '../../platform/cache/keys.ts';
import type { Log } from '../../platform/service/log.ts';

/** One client of the live stream. */
export type Listener = {
  /** Only this device; all when undefined. */
  device: string | undefined;
  /** `text` is a whole server-sent event. Must not block and must not throw. */
  send(text: string): void;
};

export type LiveHub = {
  /** @returns function that ends it. */
  listen(tenant: string, listener: Listener): () => void;
  listeners(): number;
};

/**
 * Fans a tenant's live channel out to its clients: one Redis subscription a tenant and process, however many clients
 * there are, and each event is made into text once. Best effort, as the channel is.
 */
export function createLiveHub(cache: Pick<Cache, 'subscribe'>, log: Log): LiveHub {
  const tenants = new Map<string, { listeners: Set<Listener>; stop: () => void }>();
  let count = 0;
  const open = (tenant: string) => {
    const listeners = new Set<Listener>();
    const stop = cache.subscribe(liveChannel(tenant), {
      onMessage: (message) => deliver(tenant, listeners, message),
      onStanding: () => {
        // What was published before now may be missed by those who listen already: they read the truth again.
        for (const listener of listeners) listener.send(event('resync', '{}'));
      },
    });
    return { listeners, stop };
  };
  const deliver = (tenant: string, listeners: ReadonlySet<Listener>, message: string) => {
    const { events, unknown } = readLiveMessage(message);
    if (unknown > 0) log.warn({ tenant, unknown, bytes: message.length }, 'live events of unknown shape dropped');
    if (events.length === 0) return;
    const all = events.map(({ text }) => text).join('');
    for (const { device, send } of listeners) {
      const text =
        device === undefined ? all : events.flatMap((one) => (one.device === device ? [one.text] : [])).join('');
      if (text !== '') send(text);
    }
  };
  return {
    listen(tenant, listener) {
      let group = tenants.get(tenant);
      if (group === undefined) {
        group = open(tenant);
        tenants.set(tenant, group);
      }
      const { listeners, stop } = group;
      listeners.add(listener);
      count += 1;
      return () => {
        if (!listeners.delete(listener)) return;
        count -= 1;
        if (listeners.size > 0) return;
        tenants.delete(tenant);
        stop();
      };
    },
    listeners: () => count,
  };
}

/** A server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html). `data` is one line. */
export function event(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}

/**
 * The events of a message on the live channel: one, or an array of them (processors send one message a batch), each
 * with its server-sent text. JSON made anew has no line break, so it is one `data` line whatever came in.
 */
export function readLiveMessage(message: string): { events: { device: string; text: string }[]; unknown: number } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return { events: [], unknown: 1 }; // told by the caller's log line
  }
  const list = Array.isArray(parsed) ? parsed : [parsed];
  const events = list.flatMap((one: Partial<LiveEvent> | null) =>
    typeof one?.device === 'string' && typeof one.type === 'string' && liveKinds.has(one.type)
      ? [{ device: one.device, text: event(one.type, JSON.stringify(one)) }]
      : [],
  );
  return { events, unknown: list.length - events.length };
}
