import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import mqtt, { type Packet } from 'mqtt-packet';
import type { KeyAndCert } from '../support/certificates.ts';
import type { Stand } from './stand.ts';

/** A device that may say anything: bytes in, parsed packets out. */
export class RawDevice {
  readonly socket: Socket | TLSSocket;
  readonly packets: Packet[] = [];
  readonly gone: Promise<unknown>;
  private readonly waiting: (() => void)[] = [];

  constructor(socket: Socket | TLSSocket) {
    this.socket = socket;
    const parser = mqtt.parser({ protocolVersion: 4 });
    parser.on('packet', (packet) => {
      this.packets.push(packet);
      for (const wake of this.waiting.splice(0)) wake();
    });
    socket.on('data', (chunk) => parser.parse(chunk));
    socket.on('error', () => undefined);
    this.gone = new Promise((resolve) => socket.once('close', resolve));
  }

  send(packet: Packet): void {
    this.socket.write(mqtt.generate(packet));
  }

  hello(clientId: string, keepalive = 60): void {
    this.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId, keepalive });
  }

  publish(topic: string, messageId: number, more: { qos?: 0 | 1 | 2; dup?: boolean; payload?: string } = {}): void {
    const { qos = 1, dup = false, payload = '{}' } = more;
    this.send({ cmd: 'publish', topic, payload, qos, dup, retain: false, messageId });
  }

  /** The first packet of a kind, now or later. */
  async packet(cmd: Packet['cmd']): Promise<Packet> {
    for (;;) {
      const found = this.packets.find((packet) => packet.cmd === cmd);
      if (found !== undefined) return found;
      await Promise.race([
        new Promise<void>((resolve) => this.waiting.push(resolve)),
        this.gone.then(() => {
          throw new Error(`closed before a ${cmd} came`);
        }),
      ]);
    }
  }

  count(cmd: Packet['cmd']): number {
    return this.packets.filter((packet) => packet.cmd === cmd).length;
  }
}

export async function rawTls(
  stand: Stand,
  identity: KeyAndCert | undefined,
  options: { session?: Buffer; maxVersion?: 'TLSv1.2' | 'TLSv1.3'; localAddress?: string } = {},
): Promise<RawDevice> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: stand.settings.IOT_MQTT_PORT,
    ca: stand.authority.cert,
    servername: 'localhost',
    ...(identity === undefined ? {} : { key: identity.key, cert: identity.cert }),
    ...options,
  });
  const device = new RawDevice(socket);
  await Promise.race([new Promise((resolve) => socket.once('secureConnect', resolve)), device.gone]);
  return device;
}

/** @param localAddress where it comes from: any of 127.0.0.0/8, which Linux has without being asked. */
export async function rawTcp(port: number, localAddress = '127.0.0.1'): Promise<RawDevice> {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress });
  const device = new RawDevice(socket);
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), device.gone]);
  return device;
}
