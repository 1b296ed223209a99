import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { AbstractConnector } from 'ioredis';

type Options = {
  disconnectTimeout?: number | undefined;
  host?: string | undefined;
  port?: number | undefined;
  tls?: ConnectionOptions | undefined;
};

/**
 * Opens the socket as ioredis' own connector does, but hears every error of it. ioredis hears the first alone, and a failed
 * TLS handshake may have two (ours, then the server's alert): the second one would end the process.
 */
export class Connector extends AbstractConnector {
  readonly #options: Options;
  constructor(options: unknown) {
    super((options as Options).disconnectTimeout ?? 2_000);
    this.#options = options as Options;
  }

  connect(): Promise<Socket> {
    this.connecting = true;
    const { host, port, tls } = this.#options;
    const address = { ...(host === undefined ? {} : { host }), port: port ?? 6379 };
    return new Promise((resolve, reject) => {
      process.nextTick(() => {
        if (!this.connecting) return reject(new Error('Connection is closed.'));
        const stream = tls === undefined ? connectPlain(address) : connectTls({ ...address, ...tls });
        stream.on('error', (error) => {
          this.firstError ??= error;
        });
        this.stream = stream;
        resolve(stream);
      });
    });
  }
}
