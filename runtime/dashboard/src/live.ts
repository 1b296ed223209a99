import { signal } from '@preact/signals';
import type { LiveEvent } from '../../contracts/bus.ts';
import { LoggedOut, request } from './api.ts';
import { readLive } from './live-events.ts';
import { session } from './session.ts';
import { SseParser } from './sse-parser.ts';

/** How the live stream is: shown in the header, so that nobody takes a still picture for a live one. */
export const liveStatus = signal<'off' | 'connecting' | 'live' | 'waiting'>('off');

/** How often live events were missed: each change asks the pages to read again what they show. */
export const missedLive = signal(0);

type Listener = (event: LiveEvent) => void;
const listeners = new Set<Listener>();
let running = false;

/** Calls back for each live event while subscribed. One stream serves all listeners. */
export function onLive(listener: Listener): () => void {
  listeners.add(listener);
  if (!running) void run();
  return () => listeners.delete(listener);
}

/** EventSource can send no Authorization header, so the stream is read with fetch; reconnects with jitter. */
async function run(): Promise<void> {
  running = true;
  let failures = 0;
  let opened = false;
  while (listeners.size > 0 && session.value !== null) {
    liveStatus.value = 'connecting';
    try {
      const abort = new AbortController();
      const response = await request('stream', { signal: abort.signal });
      if (response.body === null) throw new Error('the stream has no body');
      liveStatus.value = 'live';
      failures = 0;
      if (opened) missedLive.value += 1; // what happened between two streams was on neither
      opened = true;
      const parser = new SseParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        for (const event of parser.push(value)) deliver(event);
        if (listeners.size === 0) {
          abort.abort();
          break;
        }
      }
    } catch (error) {
      if (error instanceof LoggedOut) break;
      if (listeners.size > 0) console.warn('live stream interrupted', error);
    }
    if (listeners.size === 0) break;
    liveStatus.value = 'waiting';
    failures += 1;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(15_000, 500 * 2 ** failures)));
  }
  running = false;
  liveStatus.value = 'off';
}

function deliver(event: { event: string; data: string }): void {
  const { events, missed } = readLive(event);
  if (missed) missedLive.value += 1;
  for (const one of events) for (const listener of listeners) listener(one);
}
