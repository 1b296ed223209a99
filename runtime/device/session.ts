import { createSecureContext, type SecureContext, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { MqttClient } from 'mqtt';
import { createToken, type JwtLogin } from './jwt.ts';

/** One live connection. It ends once; then `onEnd` is called once, and nothing of it is acknowledged any more. */
export type Session = {
  /** Whether TLS resumed an earlier session instead of a full handshake. */
  readonly resumed: boolean;
  /** QoS 1. `done` is called when the PUBACK is here; never after the session's end. */
  publish(topic: string, payload: string, done: () => void): void;
  /** DISCONNECT, then close. */
  close(): Promise<void>;
  /** Ends the connection at once, without DISCONNECT. */
  destroy(reason: string): void;
};

export type SessionTarget = {
  host: string;
  port: number;
  /** Name that the gateway's certificate must carry, when it is not `host`. */
  servername?: string;
  clientId: string;
  keepaliveSeconds: number;
  /** Longest time from the first packet to the subscriptions' confirmation, milliseconds. */
  timeoutMs: number;
  subscriptions: readonly string[];
};

export type SessionEvents = {
  onMessage(topic: string, payload: Buffer): void;
  onEnd(reason: string): void;
};

/** Opens a connection. Rejects with the cause within `timeoutMs`; then no socket is left and `onEnd` is not called. */
export type OpenSession = (target: SessionTarget, events: SessionEvents) => Promise<Session>;

/**
 * MQTT 3.1.1 over mutual TLS. The socket is ours and not mqtt.js's: its promise does not settle when TLS is dropped,
 * and the ticket of one connection must be offered by the next.
 */
export function mutualTls(credentials: { key: string; cert: string; ca: string }): OpenSession {
  return overTls(credentials, () => undefined);
}

/** MQTT 3.1.1 over TLS without a certificate: each connection logs in by a fresh JWT. */
export function jwtLogin(login: JwtLogin & { ca: string }, now: () => number = Date.now): OpenSession {
  return overTls({ ca: login.ca }, () => createToken(login, now()));
}

function overTls(
  options: { key?: string; cert?: string; ca: string },
  password: () => string | undefined,
): OpenSession {
  let context: SecureContext | undefined;
  let ticket: Buffer | undefined;
  return (target, events) => {
    context ??= createSecureContext({ ...options, minVersion: 'TLSv1.2' });
    const socket = tlsConnect({
      host: target.host,
      port: target.port,
      secureContext: context,
      rejectUnauthorized: true,
      ...(target.servername === undefined ? {} : { servername: target.servername }),
      ...(ticket === undefined ? {} : { session: ticket }),
    });
    socket.setNoDelay(true);
    let reached = false;
    socket.once('connect', () => {
      reached = true;
    });
    socket.on('session', (fresh) => {
      ticket = fresh;
    });
    return establish(socket, target, events, password()).catch((error: unknown) => {
      // A ticket at which the gateway closes must not be offered for ever; an unreachable gateway says nothing of it.
      if (reached) ticket = undefined;
      throw error;
    });
  };
}

const closeWithinMs = 2_000;

function establish(
  socket: TLSSocket,
  target: SessionTarget,
  events: SessionEvents,
  password: string | undefined,
): Promise<Session> {
  return new Promise((resolve, reject) => {
    let reason = 'the gateway closed the connection';
    let open = false;
    const client = new MqttClient(() => socket, {
      protocolVersion: 4,
      clientId: target.clientId,
      // MQTT 3.1.1 has no password without a user name; this one is not looked at.
      ...(password === undefined ? {} : { username: 'unused', password }),
      clean: true,
      keepalive: target.keepaliveSeconds,
      reconnectPeriod: 0,
      // Ours below covers the subscriptions too; mqtt.js's must not come first.
      connectTimeout: 2 * target.timeoutMs,
      queueQoSZero: false,
      manualConnect: true,
    });
    const destroy = (why: string) => {
      reason = why;
      socket.destroy();
    };
    const timer = setTimeout(() => destroy(`not connected within ${target.timeoutMs} ms`), target.timeoutMs);
    socket.on('error', (error) => {
      reason = error.message;
    });
    client.on('error', (error) => destroy(error.message));
    socket.on('close', () => {
      clearTimeout(timer);
      client.end(true);
      if (open) events.onEnd(reason);
      else reject(new Error(`${target.clientId}: no connection to ${target.host}:${target.port}: ${reason}`));
    });
    client.on('message', (topic, payload) => events.onMessage(topic, payload));
    client.on('connect', () => {
      const ready = () => {
        clearTimeout(timer);
        open = true;
        resolve({
          resumed: socket.isSessionReused(),
          publish: (topic, payload, done) =>
            void client.publish(topic, payload, { qos: 1 }, (error) => {
              if (error === undefined || error === null) done();
            }),
          close: () =>
            new Promise((closed) => {
              const limit = setTimeout(() => destroy('not closed in time'), closeWithinMs);
              socket.once('close', () => {
                clearTimeout(limit);
                closed();
              });
              client.end();
            }),
          destroy,
        });
      };
      if (target.subscriptions.length === 0) return ready();
      client.subscribe([...target.subscriptions], { qos: 1 }, (error, granted) => {
        const refused = granted?.filter((g) => g.qos === 128).map((g) => g.topic) ?? [];
        if (error) destroy(`subscribing failed: ${error.message}`);
        else if (refused.length > 0) destroy(`the gateway refused the subscription to ${refused.join(', ')}`);
        else ready();
      });
    });
    client.connect();
  });
}
