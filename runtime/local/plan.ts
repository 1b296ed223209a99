import { type IdentityFolder, localIssuer, localNamespace } from './identity.ts';
import type { Ports } from './ports.ts';

/** Where each part's data and secrets are; all below the data folder. */
export type Places = {
  ca: string;
  tls: string;
  keys: string;
  gateway: string;
  simulator: string;
  pubsub: string;
  clientFile: string;
  statusFile: string;
  rootCa: string;
  dashboard: string;
  identity: IdentityFolder;
};

export type PlanInput = {
  ports: Ports;
  places: Places;
  /** Connection string of a database by name. */
  postgresUrl: (database: string) => string;
  devices: number;
  /** Settings for one part or for all (`*`), from `--set`; they win over the plan. */
  overrides: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

export const coreName = 'core';
export const shardNames = ['shard_a', 'shard_b'] as const;
export const project = 'iot-local';
export const namespace = 'iot';

/** Services in the order in which they start; they stop in the reverse one, so that the gateway ends before its stores. */
export const services = ['devices', 'telemetry', 'processor', 'gateway', 'api', 'simulator'] as const;
export type ServiceName = (typeof services)[number];
export const partNames = ['postgres', 'redis', 'pubsub', ...services] as const;

export function urlsOf(ports: Ports) {
  const api = `http://127.0.0.1:${ports.api}`;
  return {
    dashboard: `${api}/`,
    api,
    mqtt: `mqtts://127.0.0.1:${ports.mqtt}`,
    /** EST; with a claim code over HTTP it is `POST /v1/enrol` of the API. */
    enrol: `https://127.0.0.1:${ports.est}/.well-known/est`,
  };
}

const healthPort: Record<ServiceName, keyof Ports> = {
  devices: 'devicesHealth',
  telemetry: 'telemetryHealth',
  processor: 'processorHealth',
  gateway: 'gatewayHealth',
  api: 'apiHealth',
  simulator: 'simulatorHealth',
};

/** Base URL of a service's `/healthz`, `/readyz` and `/metrics`. */
export const healthUrl = (ports: Ports, service: ServiceName) => `http://127.0.0.1:${ports[healthPort[service]]}`;
export const pubsubHealthUrl = (ports: Ports) => `http://127.0.0.1:${ports.pubsubHealth}`;

/** The settings of every service on one machine: the same schema (contracts/settings) as in the cloud. Pure. */
export function planSettings(input: PlanInput): Record<ServiceName, Record<string, string>> {
  const { ports, places, postgresUrl } = input;
  const loopback = (port: number) => `http://127.0.0.1:${port}`;
  const { api } = urlsOf(ports);
  const cache = { IOT_REDIS_URL: `redis://127.0.0.1:${ports.redis}` };
  const bus = {
    IOT_PUBSUB_PROJECT: project,
    PUBSUB_EMULATOR_HOST: `127.0.0.1:${ports.pubsub}`,
    METADATA_SERVER_DETECTION: 'none', // Google's client would look for a metadata server and warn
  };
  const core = { IOT_CORE_DATABASE_URL: postgresUrl(coreName) };
  const shards = { IOT_SHARD_DATABASE_URLS: shardNames.map((name) => `${name}=${postgresUrl(name)}`).join(',') };
  const called = {
    IOT_CALLER_KEYS: places.identity.keys,
    IOT_CALLER_ISSUER: localIssuer,
    IOT_CALLER_NAMESPACE: localNamespace,
  };
  const own: Record<ServiceName, Record<string, string>> = {
    devices: { ...bus, ...cache, ...core, ...called, IOT_HTTP_PORT: String(ports.devices), IOT_CA_DIR: places.ca },
    telemetry: {
      ...bus,
      ...cache,
      ...core,
      ...shards,
      ...called,
      IOT_IDENTITY_DIR: places.identity.of('telemetry'),
      IOT_HTTP_PORT: String(ports.telemetry),
      IOT_DEVICES_URL: loopback(ports.devices),
      IOT_SCRAPE: (['gateway', 'processor'] as const)
        .map((name) => `${name}=${healthUrl(ports, name)}/metrics`)
        .join(','),
    },
    processor: { ...bus, ...cache, ...core, ...shards },
    gateway: {
      ...bus,
      ...cache,
      IOT_MQTT_PORT: String(ports.mqtt),
      IOT_TLS_DIR: places.tls,
      IOT_IDENTITY_DIR: places.identity.of('gateway'),
      IOT_DEVICES_URL: loopback(ports.devices),
      IOT_STATE_DIR: places.gateway,
      // The data folder outlives the process, as the schema asks: acknowledgements go on while the bus is away.
      IOT_SPILL: 'persistent-volume',
      IOT_DRAIN_SECONDS: '1', // nothing takes the sessions over on one machine: spreading the closes gains nothing
    },
    api: {
      ...cache,
      ...core,
      IOT_IDENTITY_DIR: places.identity.of('api'),
      IOT_HTTP_PORT: String(ports.api),
      IOT_DEVICES_URL: loopback(ports.devices),
      IOT_TELEMETRY_URL: loopback(ports.telemetry),
      IOT_PUBLIC_URL: api,
      IOT_KEYS_DIR: places.keys,
      IOT_EST_PORT: String(ports.est),
      IOT_EST_TLS_DIR: places.tls,
      IOT_DASHBOARD_DIR: places.dashboard,
      IOT_PARTS: [
        ...(
          [
            'gateway',
            'processor',
            'devices',
            'telemetry',
            ...(input.devices > 0 ? ['simulator' as const] : []),
          ] as const
        ).map((name) => `${name}=${healthUrl(ports, name)}`),
        `pubsub=${pubsubHealthUrl(ports)}`,
      ].join(','),
      IOT_LOCAL_STATUS: places.statusFile,
    },
    simulator: {
      IOT_API_URL: api,
      IOT_MQTT: `127.0.0.1:${ports.mqtt}`,
      IOT_CA_FILE: places.rootCa,
      IOT_CLIENT_FILE: places.clientFile,
      IOT_STATE_DIR: places.simulator,
      IOT_DEVICES: String(input.devices),
    },
  };
  for (const name of services)
    own[name] = {
      IOT_INSTANCE: name,
      IOT_NAMESPACE: namespace,
      IOT_HEALTH_PORT: String(ports[healthPort[name]]),
      ...own[name],
      ...input.overrides['*'],
      ...input.overrides[name],
    };
  return own;
}

/** Host and port of the `mqtt` URL, as command-line clients take them. */
export function mqttHost(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
