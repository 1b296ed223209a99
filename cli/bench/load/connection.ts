import { type Socket, connect as tcpConnect } from 'node:net';
import { createSecureContext, connect as tlsConnect } from 'node:tls';
import type { Credentials } from '../../../runtime/device/enrol.ts';
import { connectPacket, disconnectPacket, inboundParser, pingPacket, subscribePacket } from './packets.ts';

export type LoadTarget = { host: string; port: number };
export type LoadDevice = { id: string; credentials?: Credentials };

export type LoadConnection = {
  /** Whether TLS was resumed; undefined without TLS. */
  readonly resumed: boolean | undefined;
  /** The newest TLS ticket, for the next connection. */
  readonly ticket: Buffer | undefined;
  write(packet: Buffer): void;
  onPuback(listener: (packetId: number) => void): void;
  onClose(listener: () => void): void;
  ping(): void;
  close(): Promise<void>;
};

/**
 * One MQTT connection on a bare socket: no client library between the clock and the wire. With credentials it is
 * mutual TLS, without it is plain. Resolves after CONNACK, and SUBACK when topics are given.
 */
export function openConnection(options: {
  target: LoadTarget;
  device: LoadDevice;
  ticket?: Buffer | undefined;
  subscribe?: readonly string[];
  timeoutMs?: number;
}): Promise<LoadConnection> {
  const { target, device, timeoutMs = 30_000 } = options;
  return new Promise((resolve, reject) => {
    let ticket: Buffer | undefined;
    let puback: (packetId: number) => void = ignore;
    let open = false;
    let why = 'closed';
    const { socket, resumed } = dial(target, device.credentials, options.ticket, (fresh) => {
      ticket = fresh;
    });
    const fail = (reason: string) => {
      why = reason;
      socket.destroy();
    };
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      why = error.message;
    });
    socket.on('close', () => {
      clearTimeout(timer);
      if (!open) reject(new Error(`${device.id} could not connect to ${target.host}:${target.port}: ${why}`));
    });
    const done = () => {
      clearTimeout(timer);
      open = true;
      resolve({
        resumed: resumed(),
        get ticket() {
          return ticket;
        },
        write: (packet) => void socket.write(packet),
        onPuback: (listener) => {
          puback = listener;
        },
        onClose: (listener) => void socket.on('close', listener),
        ping: () => void socket.write(pingPacket),
        close: () =>
          new Promise((closed) => {
            if (socket.destroyed) return closed();
            socket.once('close', () => closed());
            socket.end(disconnectPacket);
            setTimeout(() => socket.destroy(), 2_000).unref();
          }),
      });
    };
    socket.on(
      'data',
      inboundParser({
        connack(code) {
          if (code !== 0) fail(`refused with CONNACK ${code}`);
          else if (options.subscribe === undefined) done();
          else socket.write(subscribePacket(1, options.subscribe));
        },
        suback: (codes) => (codes.includes(0x80) ? fail('a subscription was refused') : done()),
        puback: (packetId) => puback(packetId),
      }),
    );
    socket.write(connectPacket(device.id, 600));
  });
}

const ignore = () => undefined;

function dial(
  target: LoadTarget,
  credentials: Credentials | undefined,
  ticket: Buffer | undefined,
  onTicket: (fresh: Buffer) => void,
): { socket: Socket; resumed: () => boolean | undefined } {
  if (credentials === undefined) return { socket: tcpConnect(target), resumed: () => undefined };
  const socket = tlsConnect({
    ...target,
    secureContext: createSecureContext(credentials),
    ...(ticket === undefined ? {} : { session: ticket }),
  });
  socket.on('session', onTicket);
  return { socket, resumed: () => socket.isSessionReused() };
}

/** Opens many, `atOnce` at a time; rejects with the first failure after all attempts have ended. */
export async function openAll<T, R>(items: readonly T[], atOnce: number, open: (item: T, i: number) => Promise<R>) {
  const results: R[] = new Array(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) {
      try {
        results[i] = await open(items[i] as T, i);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0)
    throw new Error(`${failures.length} of ${items.length} failed; the first: ${String(failures[0])}`, {
      cause: failures[0],
    });
  return results;
}
