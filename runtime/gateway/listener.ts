import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { type TlsFiles, ticketKeyBytes } from './tls-files.ts';
import { TokenBucket } from './token-bucket.ts';

export type ListenerLimits = {
  maxConnections: number;
  handshakesPerSecond: number;
  handshakesInProgress: number;
  handshakeTimeoutMs: number;
};

/** What happened to connections before MQTT. `failed`: a handshake that did not end in a connection. */
export type ListenerEvents = {
  onConnection(socket: TLSSocket): void;
  onFailed(error: Error, address: string | undefined): void;
  onTurnedAway(why: 'full' | 'handshake-rate'): void;
};

/** Connections that wait for their handshake to begin; beyond it they are closed, which a device's back-off answers. */
export const maxWaiting = 2_048;

/**
 * The TLS port. Handshakes are what a reconnect storm costs most, so a connection waits before its handshake begins until
 * the rate and the number in progress allow it; TLS starts by handing the accepted socket to a TLS server that does not
 * listen itself.
 */
export class Listener {
  private readonly limits: ListenerLimits;
  private readonly events: ListenerEvents;
  private readonly rate: TokenBucket;
  private readonly server: Server;
  private readonly tls: TlsServer;
  /** Where no file gives them: kept over reloads, which otherwise would end every device's resumption. */
  private readonly ticketKeys = randomBytes(ticketKeyBytes);
  private readonly sockets = new Set<Socket>();
  private waiting: Socket[] = [];
  private inProgress = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(files: TlsFiles, limits: ListenerLimits, events: ListenerEvents) {
    this.limits = limits;
    this.events = events;
    this.rate = new TokenBucket(limits.handshakesPerSecond, Date.now(), 1);
    this.tls = createTlsServer({
      ...files,
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: limits.handshakeTimeoutMs,
    });
    this.tls.setTicketKeys(files.ticketKeys ?? this.ticketKeys);
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

  get handshakesInProgress(): number {
    return this.inProgress;
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ port, host, backlog: 4_096 }, () => resolve());
    });
  }

  /** New handshakes use the new files; connections that exist are not touched. */
  reload(files: TlsFiles): void {
    this.tls.setSecureContext(files);
    this.tls.setTicketKeys(files.ticketKeys ?? this.ticketKeys);
  }

  /** Accepts no more. Connections stay. */
  stopAccepting(): void {
    clearInterval(this.timer);
    this.server.close();
    for (const socket of this.waiting.splice(0)) socket.destroy();
  }

  /** Ends whatever is still open. */
  destroyAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private accept(socket: Socket): void {
    socket.on('error', ignoreBeforeTls);
    if (this.sockets.size >= this.limits.maxConnections) this.turnAway(socket, 'full');
    else if (this.waiting.length >= maxWaiting) this.turnAway(socket, 'handshake-rate');
    else {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      if (this.waiting.length === 0 && this.mayStart()) this.start(socket);
      else this.waiting.push(socket);
    }
  }

  private turnAway(socket: Socket, why: 'full' | 'handshake-rate'): void {
    socket.destroy();
    this.events.onTurnedAway(why);
  }

  private mayStart(): boolean {
    return this.inProgress < this.limits.handshakesInProgress && this.rate.take(Date.now());
  }

  private startWaiting(): void {
    while (this.waiting.length > 0 && this.mayStart()) {
      const socket = this.waiting.shift();
      if (socket !== undefined && !socket.destroyed) this.start(socket);
    }
  }

  private start(socket: Socket): void {
    this.inProgress++;
    const raw = socket as Socket & { handshaking?: boolean };
    raw.handshaking = true;
    socket.once('close', () => this.ended(raw));
    this.tls.emit('connection', socket);
  }

  private ended(socket: { handshaking?: boolean }): void {
    if (socket.handshaking !== true) return;
    socket.handshaking = false;
    this.inProgress--;
    this.startWaiting();
  }

  private secured(socket: TLSSocket): void {
    const raw = (socket as unknown as { _parent?: Socket & { handshaking?: boolean } })._parent;
    if (raw !== undefined) this.ended(raw);
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
