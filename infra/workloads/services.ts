import type { z } from 'zod';
import { serviceCalls } from '../../runtime/contracts/callers.ts';
import {
  ApiSettings,
  DevicesSettings,
  ProcessorSettings,
  TelemetrySettings,
} from '../../runtime/contracts/settings/services.ts';
import { clusterIssuer } from '../cluster/names.ts';
import { publicUrlOf } from '../edge/names.ts';
import type { Environment } from '../environment.ts';
import type { WorkloadNeeds } from './needs.ts';
import { type ContainerPlan, type Folder, identityPath } from './pod.ts';
import { ports } from './ports.ts';
import { type SettingsOf, variablesOf } from './settings.ts';

/** What the services' settings are made of. */
export type ServiceContext = {
  environment: Environment;
  needs: WorkloadNeeds;
  namespace: string;
  /** Collector of traces in the cluster; none: traces are not exported. */
  otlpEndpoint?: string;
};

type Container = Omit<ContainerPlan, 'name' | 'cpu' | 'memory' | 'healthPort'>;

/** Where a pod's server certificate is: in memory, since its key must not reach a disk. */
export const tlsFolder: Folder = { name: 'tls', path: '/var/run/iot/tls', size: '16Mi', memory: true };

/** File of the CA that signed the cache's certificate. */
export const cacheCaFile = { volume: 'cache-ca', path: '/etc/iot/cache' };

/**
 * Inside the namespace by name, without TLS: network policies and the caller's token say who may. Between nodes WireGuard
 * encrypts on a Standard cluster; on Autopilot what Google's network does of itself (https://cloud.google.com/docs/security/encryption-in-transit).
 */
export const internalUrl = (service: 'devices' | 'telemetry' | 'api', namespace: string): string =>
  `http://${service}.${namespace}.svc:${ports[service]}`;

export const commonSettings = ({
  environment,
  otlpEndpoint,
}: Pick<ServiceContext, 'environment' | 'otlpEndpoint'>) => ({
  IOT_NAMESPACE: environment.name,
  // A pod has an address of its own: kubelet, collector and load balancer come to it there.
  IOT_BIND: '0.0.0.0',
  IOT_HEALTH_PORT: ports.health,
  ...(otlpEndpoint === undefined ? {} : { IOT_OTLP_ENDPOINT: otlpEndpoint, IOT_TRACE_RATIO: 0.01 }),
});

export const cacheSettings = ({ cache }: WorkloadNeeds) => ({
  IOT_REDIS_URL: cache.url,
  IOT_REDIS_CA_FILE: `${cacheCaFile.path}/ca.pem`,
});

/** Settings of a service that others call: tokens of this cluster's accounts, in this namespace. */
const calledSettings = ({ environment, namespace }: ServiceContext) => ({
  IOT_CALLER_KEYS: `${clusterIssuer(environment)}/jwks`,
  IOT_CALLER_ISSUER: clusterIssuer(environment),
  IOT_CALLER_NAMESPACE: namespace,
});

const healthUrl = (service: string, namespace: string) =>
  `${service}=http://${service}.${namespace}.svc:${ports.health}`;

function variables<S extends z.ZodObject>(service: string, schema: S, context: ServiceContext, own: SettingsOf<S>) {
  return variablesOf(service, schema, { ...commonSettings(context), ...own });
}

export function processorContainer(context: ServiceContext): Container {
  const { needs, environment } = context;
  return {
    image: needs.images.references.processor,
    files: [cacheCaFile],
    env: variables('processor', ProcessorSettings, context, {
      ...cacheSettings(needs),
      IOT_PUBSUB_PROJECT: environment.project,
      IOT_CORE_DATABASE_URL: needs.database.coreUrl('processor'),
      IOT_SHARD_DATABASE_URLS: needs.database.shardUrls('processor'),
    }),
  };
}

export function devicesContainer(context: ServiceContext): Container {
  const { needs, environment } = context;
  const { devicePool, rootPool } = needs.authority;
  return {
    image: needs.images.references.devices,
    ports: { http: ports.devices },
    files: [cacheCaFile],
    env: variables('devices', DevicesSettings, context, {
      ...cacheSettings(needs),
      IOT_PUBSUB_PROJECT: environment.project,
      IOT_CORE_DATABASE_URL: needs.database.coreUrl('devices'),
      ...calledSettings(context),
      IOT_HTTP_PORT: ports.devices,
      ...(devicePool === null
        ? { IOT_CA_KMS_KEY: needs.keys.issuingKey, IOT_CA_ROOT_POOL: rootPool }
        : { IOT_DEVICE_CERTIFICATES: 'cas', IOT_DEVICE_CA_POOL: devicePool }),
      IOT_CLAIM_KEY_SECRET: needs.secrets.names['claim-codes'],
      IOT_DOCUMENTS: needs.documents.database.apply((name) => `firestore:${name}`),
    }),
  };
}

export function telemetryContainer(context: ServiceContext): Container {
  const { needs, environment, namespace } = context;
  return {
    image: needs.images.references.telemetry,
    ports: { http: ports.telemetry },
    calls: serviceCalls.telemetry,
    files: [cacheCaFile],
    env: variables('telemetry', TelemetrySettings, context, {
      ...cacheSettings(needs),
      IOT_PUBSUB_PROJECT: environment.project,
      IOT_CORE_DATABASE_URL: needs.database.coreUrl('telemetry'),
      IOT_SHARD_DATABASE_URLS: needs.database.shardUrls('telemetry'),
      ...calledSettings(context),
      IOT_IDENTITY_DIR: identityPath,
      IOT_HTTP_PORT: ports.telemetry,
      IOT_DEVICES_URL: internalUrl('devices', namespace),
    }),
  };
}

export function apiContainer(context: ServiceContext): Container {
  const { needs, environment, namespace } = context;
  const est = environment.domain !== null;
  return {
    image: needs.images.references.api,
    ports: { http: ports.api, ...(est ? { est: ports.est } : {}) },
    calls: serviceCalls.api,
    files: [cacheCaFile],
    ...(est ? { folders: [{ ...tlsFolder, readOnly: true }] } : {}),
    env: variables('api', ApiSettings, context, {
      ...cacheSettings(needs),
      IOT_CORE_DATABASE_URL: needs.database.coreUrl('api'),
      IOT_IDENTITY_DIR: identityPath,
      IOT_HTTP_PORT: ports.api,
      IOT_DEVICES_URL: internalUrl('devices', namespace),
      IOT_TELEMETRY_URL: internalUrl('telemetry', namespace),
      ...(est ? { IOT_EST_PORT: ports.est, IOT_EST_TLS_DIR: tlsFolder.path } : {}),
      IOT_PUBLIC_URL: publicUrlOf(environment),
      ...(environment.oidc === null
        ? {
            IOT_KEYS_SECRET: needs.secrets.names['issuer-keys'],
            IOT_FIRST_ADMIN_SECRET: needs.secrets.names['first-administrator'],
          }
        : { IOT_OIDC_ISSUER: environment.oidc.issuer, IOT_OIDC_AUDIENCE: environment.oidc.audience }),
      IOT_PARTS: ['gateway', 'processor', 'devices', 'telemetry'].map((name) => healthUrl(name, namespace)).join(','),
      // Behind Google's load balancer, which appends the client's address; without a domain there is none.
      IOT_TRUST_PROXY: environment.domain !== null,
    }),
  };
}
