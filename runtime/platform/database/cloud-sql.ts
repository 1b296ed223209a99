import { Socket } from 'node:net';
import type { AuthTypes, Connector, IpAddressTypes } from '@google-cloud/cloud-sql-connector';
import pg from 'pg';
import type { CloudSqlAddress } from '../../contracts/settings/cloud.ts';
import { testCredentials } from '../google/access-tokens.ts';

/** Way to one Cloud SQL instance: a Postgres client that goes over it, and its end. */
export type CloudSql = { Client: typeof pg.Client; close(): void };

/**
 * Google's connector to an instance by Private Service Connect: mutual TLS with a certificate that lives an hour and is
 * renewed ahead, login as the service's own IAM account, so no password anywhere. `Client` is an ordinary `pg.Client` whose
 * socket comes from the connector at the time of each connect; while the instance's data can not be had, connecting fails.
 */
export function cloudSql(address: CloudSqlAddress, endpoint?: string | undefined): CloudSql {
  let connector: Promise<Connector> | undefined;
  const socket = async () => {
    connector ??= openConnector(endpoint);
    const options = await (await connector).getOptions({
      instanceConnectionName: address.instance,
      ipType: 'PSC' as IpAddressTypes,
      authType: 'IAM' as AuthTypes,
    });
    tame(await connector);
    return options.stream();
  };

  type Callback = (error: Error) => void;
  class CloudSqlClient extends pg.Client {
    readonly #connectMs: number;
    constructor(config?: string | pg.ClientConfig) {
      // Never connected: pg wants a socket at construction, the connector has one only after it asked Google.
      super({ ...(config as pg.ClientConfig), stream: () => new Socket() });
      this.#connectMs = (config as pg.ClientConfig | undefined)?.connectionTimeoutMillis ?? 10_000;
    }
    override connect(): Promise<pg.Client>;
    override connect(callback: Callback): void;
    override connect(callback?: Callback): unknown {
      if (callback === undefined)
        return new Promise((resolve, reject) => {
          this.connect((error) => (error ? reject(error) : resolve(this)));
        });
      const own = (this as unknown as { connection: { stream: Socket } }).connection;
      const waited = deadline(this.#connectMs, address);
      Promise.race([socket().then((stream) => (waited.over() ? void stream.destroy() : stream)), waited.passed])
        .finally(waited.clear)
        .then(
          (stream) => {
            own.stream.destroy();
            own.stream = stream as unknown as Socket;
            super.connect(callback);
          },
          (error: unknown) => callback(reasoned(address, error)),
        );
    }
  }
  return {
    Client: CloudSqlClient as unknown as typeof pg.Client,
    close: () => void connector?.then(closeQuietly, () => undefined),
  };
}

/** Parts of the connector that are not in its types; test/platform/database/cloud-sql.int.test.ts fails when they change. */
type Internals = {
  instances: Map<string, { promise: Promise<{ close(): void }>; instance?: { setEstablishedConnection(): void } }>;
};
const internals = (connector: Connector) => (connector as unknown as Internals).instances.values();

/**
 * Version 1.13 lets a failed renewal of the certificate become an unhandled rejection, which would end this process, and
 * never renews again, unless a connection stood before. Told that one stood, it tries again, at most each 30 s:
 * https://github.com/GoogleCloudPlatform/cloud-sql-nodejs-connector/blob/v1.13.0/src/cloud-sql-instance.ts
 */
function tame(connector: Connector): void {
  for (const { instance } of internals(connector)) instance?.setEstablishedConnection();
}

/** Its own `close` rejects, unheard, for an instance that could not be reached. */
function closeQuietly(connector: Connector): void {
  for (const entry of internals(connector)) entry.promise = entry.promise.catch(() => ({ close: () => undefined }));
  connector.close();
}

/** Loaded at the first use: with Google's generated client it takes 0.4 s, and one machine needs it never. */
async function openConnector(endpoint: string | undefined): Promise<Connector> {
  const { Connector } = await import('@google-cloud/cloud-sql-connector');
  return new Connector(
    endpoint === undefined ? {} : { auth: testCredentials(endpoint), sqlAdminAPIEndpoint: `${endpoint}/` },
  );
}

/** pg counts the time from its own socket on; the connector asks Google before that, with retries of its own. */
function deadline(ms: number, address: CloudSqlAddress) {
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      over = true;
      reject(new Error(`${address.instance} was not reached within ${ms} ms`));
    }, ms);
  });
  return { passed, over: () => over, clear: () => clearTimeout(timer) };
}

/** The connector's and gaxios' errors hold the whole request, its token too: only their words go on. */
function reasoned(address: CloudSqlAddress, error: unknown): Error {
  const { message, code } = error as { message?: string; code?: unknown };
  const reason = new Error(`no way to Cloud SQL instance ${address.instance}: ${message ?? 'no reason given'}`);
  return Object.assign(reason, typeof code === 'string' ? { code } : {});
}
