import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { type Api, createApi } from '../../runtime/api/api.ts';
import { type IdentitySeed, seedIdentity } from '../../runtime/api/identity/seed.ts';
import type { ServerBounds } from '../../runtime/api/server.ts';
import { scopes } from '../../runtime/contracts/http/operation.ts';
import { ApiSettings } from '../../runtime/contracts/settings/services.ts';
import { startRedisStandIn } from '../../runtime/local/redis/server.ts';
import { type Cache, connectCache } from '../../runtime/platform/cache/cache.ts';
import { createPool } from '../../runtime/platform/database/pool.ts';
import type { Log } from '../../runtime/platform/service/log.ts';
import { readSettings } from '../../runtime/platform/service/settings.ts';
import type { Tracing } from '../../runtime/platform/service/trace.ts';
import { callingSettings } from '../support/identity.ts';
import { freePort } from '../support/ports.ts';
import { type TestPostgres, testPostgres } from '../support/postgres.ts';
import { startRealServices } from './real-services.ts';

export const secrets = {
  operator: 'op-secret-0123456789abcdef0123456789abcdef',
  root: 'rt-secret-0123456789abcdef0123456789abcdef',
  reader: 'rd-secret-0123456789abcdef0123456789abcdef',
  other: 'ot-secret-0123456789abcdef0123456789abcdef',
  adminPassword: 'correct horse battery staple',
  viewerPassword: 'viewer password of tests',
};

export const seed: IdentitySeed = {
  users: [
    { email: 'admin@iot.local', password: secrets.adminPassword, role: 'admin', tenant: 'main' },
    { email: 'viewer@iot.local', password: secrets.viewerPassword, role: 'viewer', tenant: 'main' },
  ],
  clients: [
    {
      id: 'operator',
      secret: secrets.operator,
      name: 'Operator',
      scopes: ['devices:read', 'devices:write', 'telemetry:read', 'platform:read'],
      tenant: 'main',
    },
    // Of the tenant that operates the platform, with all there is.
    { id: 'root', secret: secrets.root, name: 'Root', scopes: [...scopes], tenant: 'main' },
    { id: 'reader', secret: secrets.reader, name: 'Reader', scopes: ['devices:read'], tenant: 'main' },
  ],
};

export type Asked = { method: string; url: string; headers: IncomingMessage['headers']; body: string };
/** A service behind the gateway that answers what a test says, and keeps what it was asked. */
export type Stub = {
  url: string;
  asked: Asked[];
  /** `text` is sent as it is, `body` as JSON; undefined leaves the request hanging. */
  answer: (
    asked: Asked,
  ) => { status: number; body?: unknown; text?: string; headers?: Record<string, string> } | undefined;
  stop(): Promise<void>;
};

export async function startStub(port?: number): Promise<Stub> {
  const stub: Stub = { url: '', asked: [], answer: () => ({ status: 200, body: {} }), stop: async () => undefined };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const asked = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      stub.asked.push(asked);
      const answer = stub.answer(asked);
      if (answer === undefined) return; // hangs
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body)));
    });
  });
  const at = port ?? (await freePort());
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  stub.url = `http://127.0.0.1:${at}`;
  stub.stop = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return stub;
}

export type TestApi = {
  api: Api;
  url: string;
  cache: Cache;
  metrics: Registry;
  /** Set to stop the gateway's clock. */
  time: { frozen: number | undefined };
  postgres: TestPostgres;
  devices: Stub;
  telemetry: Stub;
  /** Every log line so far, as one text. */
  logText(): string;
  redis: { stop(): Promise<void>; start(): Promise<void> };
  token(client?: 'operator' | 'reader' | 'root', scope?: string): Promise<string>;
  stop(): Promise<void>;
};

/** The gateway on real Postgres and the Redis stand-in, over real HTTP, with stub services behind it. */
export async function startTestApi(
  settings: Record<string, string> = {},
  bounds: Partial<ServerBounds> = {},
  services: 'stubs' | 'real' = 'stubs',
  tracing?: (service: string) => Tracing,
): Promise<TestApi> {
  const [postgres, devices, telemetry] = await Promise.all([
    testPostgres({ shards: ['shard_a'] }),
    startStub(),
    startStub(),
  ]);
  await seedIdentity(postgres.core, seed);
  const port = await freePort();
  const redisPort = await freePort();
  let redis: Awaited<ReturnType<typeof startRedisStandIn>> | undefined = await startRedisStandIn({ port: redisPort });
  const real =
    services === 'real' ? await startRealServices(postgres, `redis://127.0.0.1:${redisPort}`, tracing) : undefined;
  const keysDir = await mkdtemp(join(tmpdir(), 'iot-test-keys-'));
  const lines: string[] = [];
  const log: Log = pino(
    { level: 'debug', messageKey: 'message' },
    new Writable({ write: (chunk: Buffer, _encoding, done) => done(void lines.push(chunk.toString())) }),
  );
  const url = `http://127.0.0.1:${port}`;
  const parsed = readSettings('api', ApiSettings, {
    IOT_INSTANCE: 'api',
    IOT_HEALTH_PORT: '1',
    IOT_HTTP_PORT: String(port),
    IOT_PUBLIC_URL: url,
    IOT_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    IOT_CORE_DATABASE_URL: postgres.as('api').core,
    ...callingSettings('api'),
    IOT_DEVICES_URL: real?.devicesUrl ?? devices.url,
    IOT_TELEMETRY_URL: real?.telemetryUrl ?? telemetry.url,
    IOT_KEYS_DIR: keysDir,
    IOT_RATE_PER_CLIENT: '10000',
    IOT_RATE_PER_ADDRESS: '10000',
    ...settings,
  });
  const core = createPool(
    {
      name: 'core',
      url: parsed.IOT_CORE_DATABASE_URL,
      application: 'test',
      max: 4,
      connectMs: 2_000,
      statementMs: 5_000,
    },
    log,
  );
  const cache = connectCache({ url: parsed.IOT_REDIS_URL }, { log, name: 'test' });
  await cache.upWithin(5_000);
  const time: { frozen: number | undefined } = { frozen: undefined };
  const metrics = new Registry();
  const api = await createApi({
    settings: parsed,
    log,
    metrics,
    core,
    cache,
    bounds,
    ...(tracing === undefined ? {} : { tracing: tracing('api') }),
    clock: () => time.frozen ?? Date.now(),
  });

  await api.listen();
  return {
    api,
    url,
    cache,
    metrics,
    time,
    postgres,
    devices,
    telemetry,
    logText: () => lines.join(''),
    redis: {
      async stop() {
        await redis?.close();
        redis = undefined;
      },
      async start() {
        redis = await startRedisStandIn({ port: redisPort });
        await cache.upWithin(5_000);
      },
    },
    async token(client = 'operator', scope) {
      const response = await fetch(`${url}/oauth/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${client}:${secrets[client]}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
      });
      const body = (await response.json()) as { access_token?: string };
      if (body.access_token === undefined) throw new Error(`no token: ${response.status} ${JSON.stringify(body)}`);
      return body.access_token;
    },
    async stop() {
      await api.close();
      await real?.stop();
      await cache.close();
      await core.end();
      await Promise.all([redis?.close(), devices.stop(), telemetry.stop(), postgres.stop()]);
      await rm(keysDir, { recursive: true, force: true });
    },
  };
}
