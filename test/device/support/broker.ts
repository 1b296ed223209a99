import { createServer, type TLSSocket } from 'node:tls';
import { Aedes } from 'aedes';

export type BrokerCredentials = { key: string; cert: string; ca: string };

/**
 * A bare aedes over mutual TLS: the other end for the library's tests, and the bare reference of the benchmarks' kind.
 * It is not the platform's gateway.
 */
export async function startBroker(options: {
  port: number;
  credentials: BrokerCredentials;
  /** Whether a message is acknowledged; false ends the connection without PUBACK, as a dying gateway would. */
  onPublish(topic: string, payload: string): boolean;
  ticketKeys?: Buffer;
}) {
  const broker = await Aedes.createBroker({ concurrency: 10_000 });
  const connections: { reused: boolean; commonName: string }[] = [];
  const sockets = new Set<TLSSocket>();
  broker.authorizePublish = (client, packet, callback) => {
    if (client === null || options.onPublish(packet.topic, packet.payload.toString())) callback(null);
    else (client.conn as TLSSocket).destroy();
  };
  const server = createServer(
    {
      ...options.credentials,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(options.ticketKeys === undefined ? {} : { ticketKeys: options.ticketKeys }),
    },
    (socket) => {
      connections.push({
        reused: socket.isSessionReused(),
        commonName: String(socket.getPeerCertificate().subject?.CN),
      });
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      broker.handle(socket);
    },
  );
  await new Promise<void>((resolve) => server.listen(options.port, '127.0.0.1', resolve));
  return {
    connections,
    publish: (topic: string, payload: string) =>
      new Promise<void>((resolve, reject) =>
        broker.publish(
          { cmd: 'publish', topic, payload: Buffer.from(payload), qos: 1, retain: false, dup: false },
          (error) => (error ? reject(error) : resolve()),
        ),
      ),
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await new Promise<void>((resolve) => broker.close(() => resolve()));
    },
  };
}
