import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { Registry } from 'prom-client';
import {
  enrolByCertificatePath,
  type IdentityChange,
  TenantUsageReport,
  tenantUsagePath,
} from '../../runtime/contracts/http/index.ts';
import { GatewaySettings } from '../../runtime/contracts/settings/services.ts';
import { Gateway, type GatewayParts, type Settings } from '../../runtime/gateway/gateway.ts';
import { SpillLog } from '../../runtime/gateway/spill-log.ts';
import { BusAwayError, type OutgoingMessage, Publisher } from '../../runtime/platform/bus/publisher.ts';
import { startTracing } from '../../runtime/platform/service/trace.ts';
import { type KeyAndCert, type TestAuthority, testAuthority } from '../support/certificates.ts';
import { callingSettings } from '../support/identity.ts';
import { quietLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';

/** A bus behind the real publisher: what it stored, and switches for how it answers. */
export class FakeBus {
  /** Messages that the bus would refuse at every try. */
  refusesForGood: (message: OutgoingMessage) => boolean = () => false;
  readonly stored: OutgoingMessage[] = [];
  mode: 'answers' | 'refuses' | 'silent' = 'answers';
  private held: (() => void)[] = [];
  private watchers: (() => void)[] = [];

  readonly call = (_topic: string, messages: OutgoingMessage[]): Promise<string[]> => {
    if (messages.some((message) => this.refusesForGood(message)))
      return Promise.reject(Object.assign(new Error('INVALID_ARGUMENT'), { code: 3 }));
    if (this.mode === 'refuses') return Promise.reject(Object.assign(new Error('UNAVAILABLE'), { code: 14 }));
    const store = () => {
      this.stored.push(...messages);
      for (const watcher of this.watchers.splice(0)) watcher();
      return messages.map((_, i) => String(i));
    };
    if (this.mode === 'answers') return Promise.resolve(store());
    return new Promise((resolve) => this.held.push(() => resolve(store())));
  };

  /** Answers what was held while it was silent. */
  release(): void {
    this.mode = 'answers';
    for (const answer of this.held.splice(0)) answer();
  }

  get asked(): number {
    return this.held.length;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.watchers.push(resolve));
  }
}

/** The devices service's list of identity changes. */
export class FakeDevices {
  readonly changes: IdentityChange[] = [];
  /** What it answers to reports of use, and what was reported. */
  shares: { tenant: string; messagesPerSecond: number }[] = [];
  readonly reports: TenantUsageReport[] = [];
  usageAway = false;
  private server: Server | undefined;
  url = '';

  /** Answers to makers' certificates: PEM in, status and body out. */
  enrol: (certificate: string) => { status: number; body: unknown } = () => ({ status: 503, body: { title: 'away' } });

  async start(): Promise<this> {
    this.server = createServer((request, response) => {
      if (request.url === enrolByCertificatePath) return void this.takeCertificate(request, response);
      if (request.url === tenantUsagePath) return void this.takeReport(request, response);
      const after = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('after'));
      const changes = this.changes.filter((c) => c.version > after).slice(0, 1_000);
      const version = changes.at(-1)?.version ?? this.changes.at(-1)?.version ?? 0;
      response.end(JSON.stringify({ version, changes, more: false }));
    });
    const port = await freePort();
    await new Promise<void>((resolve) => this.server?.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${port}`;
    return this;
  }

  private async takeReport(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    if (this.usageAway) return void response.writeHead(503).end();
    this.reports.push(TenantUsageReport.parse(JSON.parse(text)));
    response.end(JSON.stringify({ shares: this.shares }));
  }

  private async takeCertificate(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    const { status, body } = this.enrol((JSON.parse(text) as { certificate: string }).certificate);
    response.writeHead(status).end(JSON.stringify(body));
  }

  /** A change of any kind, for tenant `main`. */
  push(change: Pick<IdentityChange, 'change' | 'device' | 'serial' | 'data'> & { tenant?: string }): void {
    this.changes.push({ version: this.changes.length + 1, tenant: 'main', at: Date.now(), ...change });
  }

  add(device: string, change: IdentityChange['change'], serial: string | null = null): void {
    this.changes.push({ version: this.changes.length + 1, tenant: 'main', device, change, serial, at: Date.now() });
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise<void>((resolve) => (this.server === undefined ? resolve() : this.server.close(() => resolve())));
  }
}

export type Stand = {
  gateway: Gateway;
  bus: FakeBus;
  updates: FakeBus;
  lifecycle: FakeBus;
  devices: FakeDevices;
  authority: TestAuthority;
  registry: Registry;
  settings: Settings;
  tlsDir: string;
  stateDir: string;
  spill: SpillLog | undefined;
  /** Connects with a certificate of the stand's authority; `cert` replaces it. */
  connect(id: string, options?: IClientOptions & { identity?: KeyAndCert }): Promise<MqttClient>;
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  stop(): Promise<void>;
};

type StandOptions = {
  env?: Record<string, string>;
  spill?: boolean;
  cache?: GatewayParts['cache'];
  devices?: FakeDevices;
  stateDir?: string;
  parts?: Partial<GatewayParts>;
};

let shared: Promise<TestAuthority> | undefined;

/** A gateway in this process with real TLS on loopback; the bus and the devices service are the test's. */
export async function startStand(options: StandOptions = {}): Promise<Stand> {
  shared ??= testAuthority();
  const authority = await shared;
  const folder = await mkdtemp(join(tmpdir(), 'iot-test-gateway-'));
  const stateDir = options.stateDir ?? join(folder, 'state');
  await writeTls(folder, await authority.server(), authority.cert);
  const devices = options.devices ?? (await new FakeDevices().start());
  const settings: Settings = GatewaySettings.parse({
    IOT_INSTANCE: 'gateway-1',
    IOT_HEALTH_PORT: '1',
    IOT_PUBSUB_PROJECT: 'local-iot',
    IOT_REDIS_URL: 'redis://127.0.0.1:1',
    IOT_MQTT_PORT: String(await freePort()),
    IOT_TLS_DIR: folder,
    IOT_STATE_DIR: stateDir,
    ...callingSettings('gateway'),
    IOT_DEVICES_URL: devices.url === '' ? 'http://127.0.0.1:1' : devices.url,
    IOT_DRAIN_SECONDS: '0',
    ...options.env,
  });
  const bus = new FakeBus();
  const updates = new FakeBus();
  const lifecycle = new FakeBus();
  const publisher = (fake: FakeBus) =>
    new Publisher(fake.call, { topic: 't', batchMessages: 100, batchMs: 1, timeoutMs: 60_000 });
  const registry = new Registry();
  const spill = options.spill
    ? await SpillLog.open(join(stateDir, 'spill'), { maxBytes: settings.IOT_SPILL_MAX_BYTES, log: quietLog })
    : undefined;
  const gateway = new Gateway({
    settings,
    log: quietLog,
    metrics: registry,
    tracing: startTracing({ IOT_INSTANCE: 'gateway-1', IOT_TRACE_RATIO: 0 }, 'gateway'),
    telemetry: publisher(bus),
    updates: publisher(updates),
    lifecycle: publisher(lifecycle),
    cache: options.cache,
    spill,
    ...options.parts,
  });
  await gateway.start();
  const clients: MqttClient[] = [];
  return {
    gateway,
    bus,
    updates,
    lifecycle,
    devices,
    authority,
    registry,
    settings,
    tlsDir: folder,
    stateDir,
    spill,
    async connect(id, { identity, ...more } = {}) {
      const { key, cert } = identity ?? (await authority.device(id));
      const client = await connectAsync({
        host: '127.0.0.1',
        port: settings.IOT_MQTT_PORT,
        protocol: 'mqtts',
        clientId: id,
        key,
        cert,
        ca: authority.cert,
        servername: 'localhost',
        reconnectPeriod: 0,
        connectTimeout: 5_000,
        ...more,
      });
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    },
    async metric(name, labels = {}) {
      const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
      const wanted = Object.entries(labels);
      return values
        .filter((v) => wanted.every(([key, value]) => v.labels[key] === value))
        .reduce((sum, v) => sum + v.value, 0);
    },
    async stop() {
      for (const client of clients) client.end(true);
      bus.release();
      updates.release();
      lifecycle.release();
      await gateway.stop();
      await devices.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function writeTls(folder: string, server: { key: string; cert: string }, ca: string): Promise<void> {
  await writeFile(join(folder, 'server.pem'), server.cert);
  await writeFile(join(folder, 'server.key'), server.key, { mode: 0o600 });
  await writeFile(join(folder, 'devices-ca.pem'), ca);
}

/** Resolves when the client's connection is gone. */
export function closed(client: MqttClient): Promise<void> {
  return client.connected || !client.disconnected
    ? new Promise((resolve) => client.once('close', () => resolve()))
    : Promise.resolve();
}

export { BusAwayError };
