/**
 * Who may do what, as data: each workload has one service account, and each component grants these rights on its own
 * resource, never on the project. Rights that only exist on a project (writing traces and metrics) are in `projectRoles`.
 */
export const workloadNames = [
  'gateway',
  'processor',
  'devices',
  'telemetry',
  'api',
  'migrator',
  'probe',
  'simulator',
] as const;
export type WorkloadName = (typeof workloadNames)[number];

/** Databases: `core` has the registry, `shards` the readings. */
export type DatabaseKind = 'core' | 'shards';

export type Access = {
  /** Topics (names of `busPlan`) that it publishes to. */
  publish: readonly string[];
  /** Subscriptions (names of `busPlan`) that it reads. */
  subscribe: readonly string[];
  /** Databases it logs in to by IAM; its tables are granted by the migrator. */
  databases: readonly DatabaseKind[];
  cache: boolean;
  documents: boolean;
  /** Secrets (names of `secretNames`) whose versions it reads, and those to which it adds versions. */
  readSecrets: readonly SecretName[];
  writeSecrets: readonly SecretName[];
  /** Signs with the issuing CA's key in KMS, and asks CAS to sign that CA's certificate. */
  signsDeviceCertificates: boolean;
  /** Asks CAS for the server certificate of its own pod. */
  serverCertificate: boolean;
  /** The same, for the port of EST, which an environment with a domain has. */
  estCertificate: boolean;
  /** Signs firmware manifests with the key in KMS. */
  signsFirmware: boolean;
};

/** Secrets that the platform itself keeps; none has a value in the program or the state. */
export const secretNames = [
  'issuer-keys',
  'first-administrator',
  'probe-client',
  'claim-codes',
  'session-tickets',
] as const;
export type SecretName = (typeof secretNames)[number];

const none: Access = {
  publish: [],
  subscribe: [],
  databases: [],
  cache: false,
  documents: false,
  readSecrets: [],
  writeSecrets: [],
  signsDeviceCertificates: false,
  serverCertificate: false,
  estCertificate: false,
  signsFirmware: false,
};

export const access: Readonly<Record<WorkloadName, Access>> = {
  gateway: {
    ...none,
    publish: ['telemetry', 'lifecycle', 'updates'],
    cache: true,
    serverCertificate: true,
    readSecrets: ['session-tickets'],
    writeSecrets: ['session-tickets'],
  },
  processor: {
    ...none,
    publish: ['telemetry-dead-letters'],
    subscribe: ['telemetry-processor', 'telemetry-dead-letters-keeper'],
    databases: ['core', 'shards'],
    cache: true,
  },
  devices: {
    ...none,
    publish: ['telemetry-dead-letters'],
    subscribe: ['lifecycle-devices', 'updates-devices'],
    databases: ['core'],
    cache: true,
    documents: true,
    readSecrets: ['claim-codes'],
    writeSecrets: ['claim-codes'],
    signsDeviceCertificates: true,
    signsFirmware: true,
  },
  telemetry: { ...none, databases: ['core', 'shards'], cache: true },
  api: {
    ...none,
    databases: ['core'],
    cache: true,
    estCertificate: true,
    // The code for the first administrator is for people to read: the api knows it by its hash.
    readSecrets: ['issuer-keys'],
    writeSecrets: ['issuer-keys', 'first-administrator'],
  },
  migrator: {
    ...none,
    databases: ['core', 'shards'],
    readSecrets: ['probe-client'],
    writeSecrets: ['probe-client'],
  },
  probe: { ...none, readSecrets: ['probe-client'] },
  simulator: none,
};

/** Roles that Google only has on the project; both write only. */
export const projectRoles = ['roles/cloudtrace.agent', 'roles/monitoring.metricWriter'] as const;
