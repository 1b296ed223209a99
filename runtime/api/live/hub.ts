import type { LiveEvent } from '../../contracts/bus.ts';
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
    let stood = false;
    const stop = cache.subscribe(liveChannel(tenant), {
      onMessage: (message) => {
        for (const one of eventsOf(message)) deliver(tenant, listeners, one);
      },
      onStanding: () => {
        // After a break something may be missed: clients read the truth again.
        if (stood) for (const listener of listeners) listener.send(event('resync', '{}'));
        stood = true;
      },
    });
    return { listeners, stop };
  };
  const deliver = (tenant: string, listeners: ReadonlySet<Listener>, message: string) => {
    const parsed = parseLiveEvent(message);
    if (parsed === undefined) {
      log.warn({ tenant, bytes: message.length }, 'live message of unknown shape dropped');
      return;
    }
    const text = event(parsed.type, message);
    for (const listener of listeners)
      if (listener.device === undefined || listener.device === parsed.device) listener.send(text);
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

const kinds: ReadonlySet<string> = new Set(['state', 'connection', 'alert'] satisfies LiveEvent['type'][]);

/** The events of a message: processors send arrays, one a batch. What is no array is one event, or none that is known. */
export function eventsOf(message: string): string[] {
  if (!message.startsWith('[')) return [message];
  try {
    const list: unknown = JSON.parse(message);
    return Array.isArray(list) ? list.map((one) => JSON.stringify(one)) : [message];
  } catch {
    return [message]; // told when it is looked at as one event
  }
}

/** Type and device of a live message; undefined when it is none. JSON text has no line break, so it is one `data` line. */
export function parseLiveEvent(message: string): { type: string; device: string } | undefined {
  if (message.includes('\n') || message.includes('\r')) return undefined;
  try {
    const { type, device } = JSON.parse(message) as Partial<LiveEvent>;
    return typeof type === 'string' && kinds.has(type) && typeof device === 'string' ? { type, device } : undefined;
  } catch {
    return undefined; // told by the caller's log line
  }
}
