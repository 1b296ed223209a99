import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { Counter, Gauge, type Registry } from 'prom-client';
import { problem } from '../../platform/http/problem.ts';
import type { Principal } from '../access/principal.ts';
import { event, type LiveHub } from './hub.ts';

/** Bounds of the live stream. */
export const streamBounds = {
  /** Bytes that may wait for one client; beyond them it is told `lagged` and dropped. */
  waitingBytes: 256 * 1024,
  perSubject: 8,
  perProcess: 2_000,
  pingMs: 15_000,
  /** How long a dropped client has to take its last event, ms. */
  lingerMs: 5_000,
} as const;

export type LiveStreams = {
  open(asked: { principal: Principal; device: string | undefined; reply: FastifyReply }): FastifyReply;
  count(): number;
  /** Ends all streams; clients reconnect to another process. */
  close(): void;
};

export function createLiveStreams(options: {
  hub: LiveHub;
  clock: () => number;
  metrics?: Registry;
  bounds?: Partial<typeof streamBounds>;
}): LiveStreams {
  const bounds = { ...streamBounds, ...options.bounds };
  const bySubject = new Map<string, number>();
  const ends = new Map<ServerResponse, (reason: string) => void>();
  const lagged = options.metrics && liveMetrics(options.metrics, () => ends.size);
  const pings = setInterval(() => {
    const text = event('ping', JSON.stringify({ at: new Date(options.clock()).toISOString() }));
    for (const response of ends.keys()) write(response, text);
  }, bounds.pingMs);
  pings.unref();

  const write = (response: ServerResponse, text: string) => {
    response.write(text);
    if (response.writableLength <= bounds.waitingBytes) return;
    lagged?.inc();
    ends.get(response)?.('lagged');
  };

  return {
    open({ principal, device, reply }) {
      const who = `${principal.tenant}/${principal.subject}`;
      const open = bySubject.get(who) ?? 0;
      if (open >= bounds.perSubject || ends.size >= bounds.perProcess)
        throw problem(
          429,
          'Too many streams',
          open >= bounds.perSubject
            ? `you have ${open} live streams open; allowed are ${bounds.perSubject}`
            : 'this server has no room for another live stream; try again',
          { retryAfterSeconds: 5 },
        );
      reply.hijack();
      const response = reply.raw;
      response.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.socket?.setNoDelay(true);
      bySubject.set(who, open + 1);
      const stopListening = options.hub.listen(principal.tenant, { device, send: (text) => write(response, text) });
      const untilExpiry = Math.min(principal.expiresAt - options.clock(), 2 ** 31 - 1);
      const expiry = setTimeout(() => end('token-expired'), Math.max(0, untilExpiry));
      const forget = () => {
        if (!ends.delete(response)) return;
        clearTimeout(expiry);
        stopListening();
        const left = (bySubject.get(who) ?? 1) - 1;
        if (left === 0) bySubject.delete(who);
        else bySubject.set(who, left);
      };
      const end = (reason: string) => {
        forget();
        response.end(event(reason === 'lagged' ? 'lagged' : 'end', JSON.stringify({ reason })));
        setTimeout(() => response.destroy(), bounds.lingerMs).unref();
      };
      ends.set(response, end);
      response.once('close', forget);
      response.once('error', forget);
      // The first bytes tell the client that it is on, before anything happens.
      response.write(event('ping', JSON.stringify({ at: new Date(options.clock()).toISOString() })));
      return reply;
    },
    count: () => ends.size,
    close() {
      clearInterval(pings);
      for (const end of [...ends.values()]) end('server-stopping');
    },
  };
}

function liveMetrics(metrics: Registry, open: () => number): Counter {
  new Gauge({
    name: 'iot_api_streams',
    help: 'Open live streams',
    registers: [metrics],
    collect() {
      this.set(open());
    },
  });
  return new Counter({
    name: 'iot_api_streams_lagged_total',
    help: 'Live streams dropped as too slow',
    registers: [metrics],
  });
}
