import { Socket } from 'node:net';
import { Aedes, type Client } from 'aedes';
import type { Identity } from '../platform/tls/device-certificate.ts';
import { grantedQos, noEmitter } from './delivery.ts';
import { scan } from './frame-guard.ts';
import { noPersistence } from './no-persistence.ts';
import { publishPacket } from './publish-packet.ts';
import { type EndReason, type Refusal, Session } from './session.ts';

/** What the gateway decides; the broker asks. Nothing here may throw. */
export type BrokerHandlers = {
  /** CONNECT: fills the session and returns `undefined`, or says how to refuse. */
  admit(session: Session, connect: Connect): Refusal | undefined | Promise<Refusal | undefined>;
  connected(session: Session): void;
  ended(session: Session, reason: EndReason): void;
  /** PUBLISH: `done` is called once, later, when the message is durable, or with why the connection must end. */
  publish(session: Session, message: InboundMessage, done: (error: Error | null) => void): void;
  maySubscribe(session: Session, filter: string, subscriptions: number): boolean;
  /** SUBACK is written. */
  subscribed(session: Session, filters: readonly string[]): void;
  /** Back-pressure: false leaves the bytes in the socket; asked again soon. */
  mayRead(session: Session, now: number): boolean;
  /** A connection that ends for its own fault, or by an error. */
  failed(session: Session, reason: EndReason, why: string): void;
};

/** `password`: text, or bytes that are no text. */
export type Connect = { clientId: string; keepaliveSeconds: number; password: string };
export type InboundMessage = { topic: string; payload: Buffer; qos: 0 | 1 | 2; messageId: number };

type GuardedSocket = Socket & { session?: Session };
type AedesClient = Client & {
  session?: Session;
  _disconnected: boolean;
  subscriptions: Record<string, { qos: number }>;
  resume(): void;
};

const gateCheckMs = 25;
const drainTimeoutMs = 20_000;
/** Acknowledgements that a device does not read may pile up to this, bytes, before nothing more is read from it. */
const unreadAcksBytes = 65_536;
/** Messages to a device that it does not read may pile up to this, bytes; two of the largest. */
const unreadMessagesBytes = 524_288;
/** Messages of QoS 1 that a device may leave unconfirmed. */
const mostUnconfirmed = 32;
/** CONNACK of MQTT 5 with "unsupported protocol version"; 3.1.1's code 1 would be no valid packet to such a client. */
const unsupportedVersion5 = Buffer.from([0x20, 0x03, 0x00, 0x84, 0x00]);

/**
 * aedes without its message bus. What a device publishes goes to the gateway and to nobody else, so publishing inside
 * aedes, its retained messages and its news about clients ($SYS) end here.
 */
class SilentAedes extends Aedes {
  declare counter: number;
  override publish(_packet: unknown, client: unknown, done?: unknown): void {
    const callback = typeof client === 'function' ? client : done;
    if (typeof callback === 'function') callback();
  }
  /** Starts its timers; in aedes 1.2 the constructor alone does not. */
  declare listen: () => Promise<void>;
}

/**
 * The only file that knows aedes. It turns connections into sessions and packets into questions to the gateway, and
 * writes PUBACK and PUBREC itself: aedes 1.2 hands a message on only after it has sent the PUBACK
 * (lib/handlers/publish.js, `case 1`), which would acknowledge what is not stored yet.
 */
export class Broker {
  private readonly aedes: SilentAedes;
  private readonly handlers: BrokerHandlers;
  private readonly clients = new WeakMap<Session, AedesClient>();
  private readonly gated = new Set<Session>();
  private readonly gateTimer: NodeJS.Timeout;
  private corked: Session[] = [];
  private continuations: (() => void)[] = [];

  static async create(handlers: BrokerHandlers, options: { connectTimeoutMs: number }): Promise<Broker> {
    const broker = new Broker(handlers, options);
    await broker.aedes.listen();
    return broker;
  }

  private constructor(handlers: BrokerHandlers, options: { connectTimeoutMs: number }) {
    this.handlers = handlers;
    this.aedes = new SilentAedes({
      mq: noEmitter,
      persistence: { ...noPersistence },
      connectTimeout: options.connectTimeoutMs,
      drainTimeout: drainTimeoutMs,
      queueLimit: 42,
      maxClientsIdLength: 1_024,
      maxTopicLevels: 12,
      preConnect: (client, packet, done) => this.preConnect(client as AedesClient, packet as never, done),
      authenticate: (client, _user, _password, done) => authenticate(client as AedesClient, done as never),
      authorizePublish: (client, packet, done) => this.authorizePublish(client as AedesClient, packet as never, done),
      authorizeSubscribe: (client, subscription, done) =>
        done(null, this.maySubscribe(client as AedesClient, subscription.topic) ? subscription : null),
    });
    this.aedes.on('client', (client) => this.onClient(client as AedesClient));
    this.aedes.on('subscribe', (subscriptions, client) =>
      this.onSubscribe(client as AedesClient, subscriptions as { topic: string; qos: number }[]),
    );
    this.aedes.on('clientDisconnect', (client) => this.onEnd(client as AedesClient));
    this.aedes.on('clientError', (client, error) => this.onError(client as AedesClient, error));
    this.aedes.on('connectionError', (client, error) => this.onError(client as AedesClient, error));
    this.gateTimer = setInterval(() => this.openGates(), gateCheckMs);
    this.gateTimer.unref();
  }

  /** Takes over an accepted connection; `identity` is absent on the plain port. */
  accept(socket: Socket, identity: Identity | undefined): Session {
    const session = new Session(socket, identity, Date.now());
    const guarded = socket as GuardedSocket;
    guarded.session = session;
    guarded.read = this.read as GuardedSocket['read'];
    const client = this.aedes.handle(socket) as AedesClient;
    client.session = session;
    this.clients.set(session, client);
    return session;
  }

  /**
   * Ends a connection. `gently` sends what is written first (drain); otherwise at once.
   */
  close(session: Session, reason: EndReason, gently = false): void {
    session.endReason ??= reason;
    if (!gently || session.socket.destroyed) {
      this.clients.get(session)?.close();
      return;
    }
    session.socket.end();
    setTimeout(() => this.clients.get(session)?.close(), 1_000).unref();
  }

  /**
   * Sends a message of the platform to a device that listens to its topic.
   * @param onConfirmed its PUBACK is here; not called at QoS 0, nor after the session's end.
   * @returns the QoS at which it goes; -1 when it does not listen, or has not read what it was sent before.
   */
  send(session: Session, topic: string, payload: Buffer, qos: 0 | 1, onConfirmed: () => void): -1 | 0 | 1 {
    const client = this.clients.get(session);
    const granted = client === undefined || client.closed ? -1 : grantedQos(client.subscriptions, topic);
    const { socket } = session;
    if (granted < 0 || !socket.writable || socket.writableLength > unreadMessagesBytes) return -1;
    if (Math.min(qos, granted) === 0) {
      socket.write(publishPacket(topic, payload, 0, 0));
      return 0;
    }
    session.unconfirmed ??= new Map();
    if (session.unconfirmed.size >= mostUnconfirmed) return -1;
    while (session.unconfirmed.has(session.nextPacketId)) session.nextPacketId = (session.nextPacketId % 65_535) + 1;
    const packetId = session.nextPacketId;
    session.nextPacketId = (packetId % 65_535) + 1;
    session.unconfirmed.set(packetId, onConfirmed);
    socket.write(publishPacket(topic, payload, 1, packetId));
    return 1;
  }

  /** The filters that the session subscribes to. */
  filters(session: Session): readonly string[] {
    const client = this.clients.get(session);
    return client === undefined || client.closed ? [] : Object.keys(client.subscriptions);
  }

  get paused(): number {
    return this.gated.size;
  }

  stop(): Promise<void> {
    clearInterval(this.gateTimer);
    return new Promise((resolve) => this.aedes.close(() => resolve()));
  }

  /**
   * Stands in for a socket's `read`, which aedes calls with `null` for all there is: asks the gateway whether it may, and
   * checks packet sizes before the parser gathers them. Calls with a number are the stream's own.
   */
  private readonly read = (() => {
    const broker = this;
    return function read(this: GuardedSocket, size?: number | null): Buffer | null {
      if (size !== null || this.session === undefined) return Socket.prototype.read.call(this, size ?? undefined);
      return broker.readGuarded(this, this.session);
    };
  })();

  private readGuarded(socket: Socket, session: Session): Buffer | null {
    if (session.violated) return null;
    const now = Date.now();
    if (socket.writableLength > unreadAcksBytes || !this.handlers.mayRead(session, now)) {
      if (session.pausedSince === 0) session.pausedSince = now;
      this.gated.add(session);
      return null;
    }
    const chunk = Socket.prototype.read.call(socket) as Buffer | null;
    if (chunk === null) return null;
    session.lastSeenAt = now;
    const problem = scan(session.frame, chunk, now);
    if (problem === undefined) return chunk;
    const reason = problem.includes('allowed are') ? 'oversize' : 'protocol';
    session.endReason ??= reason;
    this.handlers.failed(session, reason, problem);
    // Not from here: aedes is in the middle of its own read.
    setImmediate(() => this.close(session, reason));
    return null;
  }

  private openGates(): void {
    if (this.gated.size === 0) return;
    const now = Date.now();
    for (const session of this.gated) {
      const client = this.clients.get(session);
      if (client === undefined || client.closed) this.gated.delete(session);
      else if (session.socket.writableLength <= unreadAcksBytes && this.handlers.mayRead(session, now)) {
        this.gated.delete(session);
        session.pausedSince = 0;
        session.lastSeenAt = now;
        client.resume();
      }
    }
  }

  private preConnect(
    client: AedesClient,
    packet: {
      protocolVersion: number;
      clientId: string;
      keepalive: number;
      clean: boolean;
      will?: unknown;
      password?: Buffer | string | null;
    },
    done: (error: Error | null, proceed: boolean) => void,
  ): void {
    const session = client.session as Session;
    if (packet.protocolVersion === 5) {
      session.endReason = 'refused';
      this.handlers.failed(session, 'refused', 'MQTT 5 is not offered, 3.1.1 is');
      session.socket.write(unsupportedVersion5);
      this.close(session, 'refused', true);
      return;
    }
    const admitted = this.handlers.admit(session, {
      clientId: packet.clientId,
      keepaliveSeconds: packet.keepalive,
      password: packet.password?.toString() ?? '',
    });
    // Our own idle check replaces aedes' timer a connection; sessions and wills are the platform's (see no-persistence).
    packet.keepalive = 0;
    packet.clean = true;
    delete packet.will;
    const answer = (refusal: Refusal | undefined) => {
      session.refusal = refusal;
      packet.clientId = refusal === undefined ? session.name : `refused-${Math.random()}`;
      done(null, true);
    };
    if (admitted instanceof Promise) {
      // It may have gone while a signature was checked.
      void admitted.then((refusal) => {
        if (!client.closed) answer(refusal);
      });
    } else answer(admitted);
  }

  private onClient(client: AedesClient): void {
    this.handlers.connected(client.session as Session);
  }

  private onSubscribe(client: AedesClient, subscriptions: readonly { topic: string; qos: number }[]): void {
    const granted = subscriptions.filter(({ qos }) => qos !== 128).map(({ topic }) => topic);
    if (granted.length > 0 && client.session !== undefined) this.handlers.subscribed(client.session, granted);
  }

  private onEnd(client: AedesClient): void {
    const session = client.session as Session;
    this.gated.delete(session);
    this.handlers.ended(session, session.endReason ?? (client._disconnected ? 'client' : 'network'));
  }

  private onError(client: AedesClient, error: Error): void {
    const session = client.session;
    if (session === undefined || session.endReason !== undefined || session.refusal !== undefined) return;
    // aedes' and the parser's own errors carry no code, those of sockets and TLS do.
    const fromNetwork = (error as NodeJS.ErrnoException).code !== undefined;
    session.endReason = fromNetwork ? 'network' : error.message.includes('in time') ? 'slow' : 'protocol';
    if (!fromNetwork) this.handlers.failed(session, session.endReason, error.message);
  }

  private maySubscribe(client: AedesClient, filter: string): boolean {
    const session = client.session as Session;
    return this.handlers.maySubscribe(session, filter, Object.keys(client.subscriptions).length);
  }

  private authorizePublish(client: AedesClient, packet: InboundMessage, next: (error?: Error | null) => void): void {
    const session = client.session as Session;
    session.held++;
    this.handlers.publish(session, packet, (error) => {
      session.held--;
      if (client.closed) return;
      if (error !== null) {
        next(error);
        return;
      }
      if (packet.qos > 0) this.acknowledge(session, packet.qos === 1 ? 0x40 : 0x50, packet.messageId);
      packet.qos = 0; // the acknowledgement is written: aedes has nothing left to send
      this.later(next);
    });
  }

  private acknowledge(session: Session, type: number, messageId: number): void {
    const { socket } = session;
    if (!socket.writable) return;
    if (!session.corked) {
      session.corked = true;
      socket.cork();
      if (this.corked.push(session) === 1) process.nextTick(() => this.uncork());
    }
    const ack = Buffer.allocUnsafe(4);
    ack[0] = type;
    ack[1] = 2;
    ack.writeUInt16BE(messageId, 2);
    socket.write(ack);
  }

  private uncork(): void {
    const sessions = this.corked;
    this.corked = [];
    for (const session of sessions) {
      session.corked = false;
      session.socket.uncork();
    }
  }

  /** First all acknowledgements of a confirmed batch leave, then the next packets are read. */
  private later(next: () => void): void {
    if (this.continuations.push(next) === 1) setImmediate(() => this.continue());
  }

  private continue(): void {
    const all = this.continuations;
    this.continuations = [];
    for (const next of all) next();
  }
}

function authenticate(
  client: AedesClient,
  done: (error: (Error & { returnCode: number }) | null, ok: boolean) => void,
): void {
  const refusal = client.session?.refusal;
  if (refusal === undefined) done(null, true);
  else done(Object.assign(new Error(refusal.reason), { returnCode: refusal.code }), false);
}
