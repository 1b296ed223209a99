import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { ticketSecretBytes } from '../contracts/tls.ts';
import { type HandshakeLimits, HandshakeQueue, type Place, type TurnedAway } from './handshake-queue.ts';
import { sourceOf } from './source-address.ts';
import { TicketKeys, useTicketKeys } from './ticket-keys.ts';
import type { TlsFiles } from './tls-files.ts';

export type ListenerLimits = HandshakeLimits & {
  maxConnections: number;
  handshakeTimeoutMs: number;
};

/** What happened to connections before MQTT. `failed`: a handshake that did not end in a connection. */
export type ListenerEvents = {
  onConnection(socket: TLSSocket): void;
  onFailed(error: Error, address: string | undefined): void;
  onTurnedAway(why: 'full' | TurnedAway, address: string): void;
};

/** A connection that was accepted, and its place in the queue of handshakes. */
type Raw = Socket & { place?: Place<Raw> };

/**
 * The TLS port. Handshakes are what a reconnect storm costs most, so a connection waits before its handshake begins until
 * the rates and the numbers in progress allow it (handshake-queue.ts); TLS starts by handing the accepted socket to a TLS
 * server that does not listen itself.
 */
export class Listener {
  private readonly limits: ListenerLimits;
  private readonly events: ListenerEvents;
  private readonly queue: HandshakeQueue<Raw>;
  private readonly server: Server;
  private readonly tls: TlsServer;
  /** Where no file gives it: kept over reloads, which otherwise would end every device's resumption. */
  private readonly ownSecret = randomBytes(ticketSecretBytes);
  private readonly now: () => number;
  private readonly sockets = new Set<Socket>();
  private readonly timer: NodeJS.Timeout;

  /** @param now for the hours of ticket keys. */
  constructor(files: TlsFiles, limits: ListenerLimits, events: ListenerEvents, now: () => number = Date.now) {
    this.limits = limits;
    this.events = events;
    this.now = now;
    this.queue = new HandshakeQueue(limits, Date.now());
    this.tls = createTlsServer({
      ...files.context,
      requestCert: true,
      // Who has no certificate may have a JWT; the gateway ends what TLS did not verify.
      rejectUnauthorized: false,
      handshakeTimeout: limits.handshakeTimeoutMs,
    });
    this.useTickets(files);
    this.tls.on('secureConnection', (socket) => this.secured(socket));
    this.tls.on('tlsClientError', (error, socket) => {
      events.onFailed(error, socket.remoteAddress);
      socket.destroy(); // after a handshake timeout Node leaves it open
    });
    this.server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) =>
      this.accept(socket),
    );
    this.timer = setInterval(() => this.startWaiting(), 20);
    this.timer.unref();
  }

  get connections(): number {
    return this.sockets.size;
  }

  /** Handshakes in progress, connections that wait for theirs, and source addresses remembered. */
  get handshakes(): { inProgress: number; waiting: number; addresses: number } {
    const { inProgress, waiting, addresses } = this.queue;
    return { inProgress, waiting, addresses };
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ port, host, backlog: 4_096 }, () => resolve());
    });
  }

  /** New handshakes use the new files; connections that exist are not touched. */
  reload(files: TlsFiles): void {
    this.tls.setSecureContext(files.context);
    this.useTickets(files);
  }

  /** Accepts no more. Connections stay. */
  stopAccepting(): void {
    clearInterval(this.timer);
    this.server.close();
    for (const socket of this.sockets) if ((socket as Raw).place?.state === 'waiting') socket.destroy();
  }

  /** Ends whatever is still open. */
  destroyAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private useTickets({ ticketSecret }: TlsFiles): void {
    useTicketKeys(this.tls, new TicketKeys(ticketSecret ?? this.ownSecret), this.now);
  }

  private accept(socket: Raw): void {
    socket.on('error', ignoreBeforeTls);
    const address = sourceOf(socket.remoteAddress);
    const full = this.sockets.size >= this.limits.maxConnections;
    const place = full ? ('full' as const) : this.queue.add(socket, address, Date.now());
    if (typeof place === 'string') {
      socket.destroy();
      this.events.onTurnedAway(place, address);
      return;
    }
    socket.place = place;
    this.sockets.add(socket);
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.over(socket);
    });
    this.startWaiting();
  }

  private startWaiting(): void {
    for (;;) {
      const place = this.queue.next(Date.now());
      if (place === undefined) return;
      if (place.item.destroyed) this.queue.over(place);
      else this.tls.emit('connection', place.item);
    }
  }

  private over(socket: Raw): void {
    const { place } = socket;
    if (place === undefined) return;
    delete socket.place;
    this.queue.over(place);
    this.startWaiting();
  }

  private secured(socket: TLSSocket): void {
    const raw = (socket as unknown as { _parent?: Raw })._parent;
    if (raw !== undefined) this.over(raw);
    this.events.onConnection(socket);
  }
}

/** Plain MQTT, for benchmarks on loopback. */
export function listenPlain(port: number, host: string, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', ignoreBeforeTls);
    accept(socket);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 4_096 }, () => resolve(server));
  });
}

/** A peer that resets its connection is no news: the socket's `close` follows and is counted. */
function ignoreBeforeTls(): void {
  // 'error' without a listener would end the process
}
