import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync, type MqttClient } from 'mqtt';
import pg from 'pg';
import { callerHeaders } from '../../runtime/contracts/http/index.ts';
import { ensureLocalAuthority } from '../../runtime/devices/authority/local-authority.ts';
import { startPubSubServer } from '../../runtime/local/pubsub/server.ts';
import { createBusClient } from '../../runtime/platform/bus/client.ts';
import { ensureBus } from '../../runtime/platform/bus/ensure.ts';
import { type Cache, connectCache } from '../../runtime/platform/cache/cache.ts';
import { writeTls } from '../gateway/stand.ts';
import { type KeyAndCert, testAuthority } from '../support/certificates.ts';
import { bearer, calledSettings, callingSettings } from '../support/identity.ts';
import { quietLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { testPostgres } from '../support/postgres.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = 'test-project';

/** A part of the stand in a process of its own, which can be killed and started again. */
export type Part = {
  name: string;
  start(): Promise<void>;
  /** kill -9, and over when it is gone. */
  kill(): Promise<void>;
};
export type Answer<T = Record<string, unknown>> = { status: number; body: T; etag: string | null };

/** What a device was sent. */
export type Got = { topic: string; body: Record<string, unknown>; at: number; gateway: number };
export type TestDevice = {
  id: string;
  client: MqttClient;
  got: Got[];
  commands(): Got[];
  configs(): Got[];
  /** Publishes below the device, QoS 1; over when it is acknowledged. */
  say(topic: string, body: unknown): Promise<void>;
  end(): Promise<void>;
};

/**
 * The devices service, gateways and Redis as processes of their own, on a real Postgres and Pub/Sub server, with real
 * certificates. Devices are stock MQTT clients.
 */
export async function deliveryStand(gateways = 2) {
  const authority = await testAuthority();
  const dir = await mkdtemp(join(tmpdir(), 'iot-test-deliveries-'));
  const postgres = await testPostgres({ shards: ['shard_a'] });
  await ensureLocalAuthority(join(dir, 'ca'));
  await writeTls(dir, await authority.server(), authority.cert);
  const pubsub = await startPubSubServer({ dataDir: join(dir, 'pubsub'), port: await freePort() });
  const bus = createBusClient({ IOT_PUBSUB_PROJECT: project, PUBSUB_EMULATOR_HOST: pubsub.host });
  await ensureBus(bus, 'iot');
  const redisPort = await freePort();
  const devicesPort = await freePort();
  const common = async (name: string) => ({
    IOT_INSTANCE: name,
    IOT_HEALTH_PORT: String(await freePort()),
    IOT_PUBSUB_PROJECT: project,
    PUBSUB_EMULATOR_HOST: pubsub.host,
    IOT_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    IOT_LOG_LEVEL: process.env['IOT_TEST_LOG'] ?? 'error',
  });
  const redis = part('redis', 'runtime/local/redis/main.ts', { REDIS_PORT: String(redisPort) }, redisPort);
  const devicesEnv = {
    ...(await common('devices')),
    IOT_HTTP_PORT: String(devicesPort),
    IOT_CORE_DATABASE_URL: postgres.as('devices').core,
    IOT_CA_DIR: join(dir, 'ca'),
    ...calledSettings,
  };
  const devices = part('devices', 'runtime/devices/main.ts', devicesEnv, Number(devicesEnv.IOT_HEALTH_PORT));
  const mqttPorts: number[] = [];
  const gates: Part[] = [];
  for (let n = 0; n < gateways; n++) {
    const env = {
      ...(await common(`gateway-${n}`)),
      IOT_MQTT_PORT: String(await freePort()),
      IOT_TLS_DIR: dir,
      IOT_STATE_DIR: join(dir, `gateway-${n}`),
      IOT_DEVICES_URL: `http://127.0.0.1:${devicesPort}`,
      IOT_DRAIN_SECONDS: '0',
      ...callingSettings('gateway'),
    };
    mqttPorts.push(Number(env.IOT_MQTT_PORT));
    gates.push(part(`gateway-${n}`, 'runtime/gateway/main.ts', env, Number(env.IOT_HEALTH_PORT)));
  }
  await redis.start();
  await devices.start();
  await Promise.all(gates.map((gate) => gate.start()));
  const core = new pg.Pool({ connectionString: postgres.core, max: 2 });
  core.on('error', () => undefined);
  const cache: Cache = connectCache({ url: `redis://127.0.0.1:${redisPort}` }, { log: quietLog, name: 'test' });
  const identities = new Map<string, Promise<KeyAndCert>>();
  const clients: MqttClient[] = [];

  async function call<T = Record<string, never>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`http://127.0.0.1:${devicesPort}/internal${path}`, {
      method,
      headers: {
        authorization: bearer('api', 'devices'),
        [callerHeaders.tenant]: 'main',
        [callerHeaders.subject]: 'operator@example.com',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T, etag: response.headers.get('etag') };
  }

  return {
    redis,
    devices,
    gateways: gates,
    core,
    cache,
    bus,
    call,
    async register(id: string, more: Record<string, unknown> = {}) {
      const made = await call('POST', '/v1/devices', { id, ...more });
      if (made.status !== 201) throw new Error(`device ${id} not made: ${JSON.stringify(made.body)}`);
    },
    async connect(id: string, gateway = 0, options: { topics?: string[]; answer?: boolean } = {}): Promise<TestDevice> {
      const identity = identities.get(id) ?? authority.device(id);
      identities.set(id, identity);
      const { key, cert } = await identity;
      const client = await connectAsync({
        host: '127.0.0.1',
        port: mqttPorts[gateway] as number,
        protocol: 'mqtts',
        clientId: id,
        key,
        cert,
        ca: authority.cert,
        servername: 'localhost',
        reconnectPeriod: 0,
        connectTimeout: 10_000,
      });
      clients.push(client);
      client.on('error', () => undefined);
      const got: Got[] = [];
      const say = async (topic: string, body: unknown) => {
        await client.publishAsync(`/devices/${id}/${topic}`, JSON.stringify(body), { qos: 1 });
      };
      client.on('message', (topic, payload) => {
        const body = JSON.parse(payload.toString()) as Record<string, unknown>;
        got.push({ topic, body, at: Date.now(), gateway });
        if (options.answer === true && topic.includes('/commands/'))
          void say(`commands/${topic.split('/').at(-1)}/result`, { id: body['id'], status: 'succeeded' }).catch(
            () => undefined,
          );
      });
      const topics = options.topics ?? [`/devices/${id}/config`, `/devices/${id}/commands/#`];
      await client.subscribeAsync(topics, { qos: 1 });
      return {
        id,
        client,
        got,
        say,
        commands: () => got.filter(({ topic }) => topic.includes('/commands/')),
        configs: () => got.filter(({ topic }) => topic.endsWith('/config')),
        end: async () => {
          await client.endAsync(true);
        },
      };
    },
    async stop() {
      for (const client of clients) client.end(true);
      await Promise.all([...gates, devices].map((one) => one.kill()));
      await cache.close();
      await redis.kill();
      await core.end();
      await bus.close();
      await pubsub.close();
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
export type DeliveryStand = Awaited<ReturnType<typeof deliveryStand>>;

function part(name: string, main: string, env: Record<string, string>, readyPort: number): Part {
  let child: ChildProcess | undefined;
  return {
    name,
    async start() {
      child = spawn(process.execPath, [join(root, main)], {
        cwd: root,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { PATH: process.env['PATH'] ?? '', METADATA_SERVER_DETECTION: 'none', ...env },
      });
      const ended = new Promise<never>((_, reject) =>
        child?.once('exit', (code, signal) =>
          reject(new Error(`${name} ended (${code ?? signal}) before it was ready`)),
        ),
      );
      ended.catch(() => undefined); // later it is killed on purpose
      await Promise.race([ended, main.includes('redis') ? open(readyPort) : ready(readyPort)]);
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise<void>((resolve) => child?.once('exit', () => resolve()));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function ready(port: number): Promise<void> {
  await until('ready', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    return response?.ok === true;
  });
}

async function open(port: number): Promise<void> {
  const { connect } = await import('node:net');
  await until('open', () => {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  });
}

/** Asks again until `ask` says yes. */
export async function until(what: string, ask: () => Promise<boolean> | boolean, withinMs = 45_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
