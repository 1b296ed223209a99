import { z } from 'zod';
import { caPoolResource, documentsPlace, keyVersionResource, secretResource } from './cloud.ts';
import {
  bus,
  cache,
  calledByServices,
  callsServices,
  commonSettings,
  coreDatabase,
  flag,
  hostPort,
  port,
  shardDatabases,
  url,
  whole,
} from './common.ts';

/**
 * Each service's settings: the only place where a variable's name, bounds and default stand. The local launcher, the
 * cloud program and the generated reference read the same objects.
 */
export const GatewaySettings = z
  .object({
    ...commonSettings,
    ...bus,
    ...cache,
    IOT_MQTT_PORT: port(8883),
    /** Folder with `server.pem` (certificate and chain), `server.key`, `devices-ca.pem`; watched, reloaded without a dropped session. */
    IOT_TLS_DIR: z.string().min(1),
    /** Plain MQTT without TLS for benchmarks on loopback. Identity is then the client id alone. */
    IOT_MQTT_PLAIN_PORT: port().optional(),
    IOT_DEVICES_URL: url('http', 'https'),
    ...callsServices,
    /** Folder for the revocation snapshot, and for the spill log if one is configured. */
    IOT_STATE_DIR: z.string().min(1),
    /** Fsynced log that takes messages while the bus is away. Needs a volume that outlives the process. */
    IOT_SPILL: z
      .enum(
        ['off', 'persistent-volume'],
        'allowed is off or persistent-volume; a spill log on a disk that dies with the pod would lose acknowledged messages',
      )
      .default('off'),
    IOT_SPILL_MAX_BYTES: whole(1_073_741_824, 1_048_576, 1_099_511_627_776),
    IOT_MAX_CONNECTIONS: whole(15_000, 1, 250_000),
    IOT_MAX_HELD_BYTES: whole(134_217_728, 1_048_576, 8_589_934_592),
    IOT_DEVICE_MESSAGES_PER_SECOND: whole(100, 1, 100_000),
    IOT_PROCESS_MESSAGES_PER_SECOND: whole(30_000, 1, 1_000_000),
    IOT_HANDSHAKES_PER_SECOND: whole(300, 1, 10_000),
    IOT_HANDSHAKES_IN_PROGRESS: whole(64, 1, 10_000),
    /**
     * Of these for one source address (IPv6: one /64): the rest of the places stays for others while one address opens
     * connections and says nothing. A fleet behind one NAT has this many at a time.
     */
    IOT_HANDSHAKES_PER_ADDRESS: whole(48, 1, 10_000),
    /** New connections of one source address, refused above it before TLS; holds two seconds' worth of burst. */
    IOT_CONNECTIONS_PER_SECOND_PER_ADDRESS: whole(1_000, 1, 100_000),
    IOT_KEEPALIVE_MAX_SECONDS: whole(1_200, 10, 65_535),
    IOT_DRAIN_SECONDS: whole(30, 0, 600),
    IOT_PUBLISH_BATCH_MESSAGES: whole(500, 1, 1_000),
    IOT_PUBLISH_BATCH_MS: whole(3, 0, 100),
    /**
     * Publish sooner than that where waiting gathers few messages: a shorter way to the acknowledgement for more calls, of
     * which Pub/Sub charges each as 1,000 bytes at least.
     */
    IOT_PUBLISH_EAGER: flag(true),
  })
  .refine((s) => s.IOT_MQTT_PLAIN_PORT === undefined || s.IOT_BIND === '127.0.0.1', {
    path: ['IOT_MQTT_PLAIN_PORT'],
    message: 'plain MQTT is allowed on loopback only (IOT_BIND=127.0.0.1)',
  })
  .refine((s) => s.IOT_HANDSHAKES_PER_ADDRESS <= s.IOT_HANDSHAKES_IN_PROGRESS, {
    path: ['IOT_HANDSHAKES_PER_ADDRESS'],
    message: 'allowed is at most IOT_HANDSHAKES_IN_PROGRESS; the same number leaves no place to other addresses',
  });

export const ProcessorSettings = z.object({
  ...commonSettings,
  ...bus,
  ...cache,
  ...coreDatabase,
  ...shardDatabases,
  IOT_BATCH_ROWS: whole(500, 1, 5_000),
  IOT_BATCH_MS: whole(10, 1, 1_000),
  IOT_MAX_OUTSTANDING_MESSAGES: whole(10_000, 100, 1_000_000),
  IOT_RETENTION_DAYS: whole(30, 1, 3_650),
  IOT_ROLLUP_RETENTION_DAYS: whole(400, 1, 3_650),
  /** How long dead letters are kept that were replayed or discarded; open ones are kept for good. */
  IOT_RESOLVED_LETTER_DAYS: whole(30, 1, 3_650),
});

export const DevicesSettings = z
  .object({
    ...commonSettings,
    ...bus,
    ...cache,
    ...coreDatabase,
    ...calledByServices,
    IOT_HTTP_PORT: port(),
    /** Folder with the issuing CA's key and certificate (`issuing-ca.key`, `issuing-ca.pem`, `root-ca.pem`). */
    IOT_CA_DIR: z.string().min(1).optional(),
    /** The issuing CA's key in Cloud KMS instead: P-256, SHA-256. Its certificate stands in the core database. */
    IOT_CA_KMS_KEY: keyVersionResource().optional(),
    /** Pool of the root CA, which signs the issuing CA's certificate. */
    IOT_CA_ROOT_POOL: caPoolResource().optional(),
    /** Who signs devices' certificates when the authority is in the cloud: our issuer with the KMS key, or CAS itself. */
    IOT_DEVICE_CERTIFICATES: z.enum(['kms', 'cas'], 'allowed is kms or cas').default('kms'),
    /** Pool of Certificate Authority Service that signs devices' certificates, for `cas`. */
    IOT_DEVICE_CA_POOL: caPoolResource().optional(),
    /** Life of a device's certificate; a device type may have its own. */
    IOT_CERTIFICATE_DAYS: whole(90, 1, 825),
    /** Secret that holds the key under which claim codes are hashed, made at the first start; with IOT_CA_DIR it is a file there. */
    IOT_CLAIM_KEY_SECRET: secretResource().optional(),
    /** Where device documents (twins) are. */
    IOT_DOCUMENTS: documentsPlace().default('postgres'),
  })
  .superRefine((s, context) => {
    const wrong = (name: keyof typeof s, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message });
    const cloud = s.IOT_CA_KMS_KEY !== undefined || s.IOT_DEVICE_CERTIFICATES === 'cas';
    if (s.IOT_CA_DIR === undefined && !cloud)
      wrong('IOT_CA_DIR', 'set it, or IOT_CA_KMS_KEY with IOT_CA_ROOT_POOL, or IOT_DEVICE_CERTIFICATES=cas');
    if (s.IOT_CA_DIR !== undefined && cloud)
      wrong('IOT_CA_DIR', 'allowed is either it, or IOT_CA_KMS_KEY or IOT_DEVICE_CERTIFICATES=cas, not both');
    if (s.IOT_CA_KMS_KEY !== undefined && s.IOT_CA_ROOT_POOL === undefined)
      wrong('IOT_CA_ROOT_POOL', 'needed with IOT_CA_KMS_KEY: the root signs the certificate of that key');
    if ((s.IOT_DEVICE_CERTIFICATES === 'cas') !== (s.IOT_DEVICE_CA_POOL !== undefined))
      wrong('IOT_DEVICE_CA_POOL', 'needed with IOT_DEVICE_CERTIFICATES=cas, and only then');
  });

export const TelemetrySettings = z.object({
  ...commonSettings,
  ...bus,
  ...cache,
  ...coreDatabase,
  ...shardDatabases,
  ...calledByServices,
  ...callsServices,
  IOT_HTTP_PORT: port(),
  IOT_DEVICES_URL: url('http', 'https'),
  IOT_FAN_OUT_MS: whole(2_000, 50, 30_000),
  /** Prometheus endpoints of the processors and gateways, for rates and latency in the fleet summary: `name=http://…/metrics,…` */
  IOT_SCRAPE: z.string().default(''),
});

export const ApiSettings = z
  .object({
    ...commonSettings,
    ...cache,
    ...coreDatabase,
    ...callsServices,
    IOT_HTTP_PORT: port(),
    IOT_DEVICES_URL: url('http', 'https'),
    IOT_TELEMETRY_URL: url('http', 'https'),
    /** Public base URL; issuer of the bundled authorization server and audience of its tokens. */
    IOT_PUBLIC_URL: url('http', 'https'),
    /** Another OpenID Connect issuer instead of the bundled one. */
    IOT_OIDC_ISSUER: url('http', 'https').optional(),
    IOT_OIDC_AUDIENCE: z.string().optional(),
    /** Folder with the bundled authorization server's signing keys and cookie keys (mode 0600). */
    IOT_KEYS_DIR: z.string().min(1).optional(),
    /** Secret in Secret Manager that holds these keys instead; the api makes and rotates them. */
    IOT_KEYS_SECRET: secretResource().optional(),
    /** Age at which a key in IOT_KEYS_SECRET is followed by a new one. */
    IOT_KEYS_ROTATION_DAYS: whole(30, 1, 365),
    /** Secret that gets a one-time code at the first start without any user; who has the code becomes administrator. */
    IOT_FIRST_ADMIN_SECRET: secretResource().optional(),
    /** Folder of the built dashboard. */
    IOT_DASHBOARD_DIR: z.string().optional(),
    /** Health endpoints of the parts for the platform page: `name=http://host:port,…` */
    IOT_PARTS: z.string().default(''),
    /** Local launcher's status file, for pids, CPU and memory on the platform page. */
    IOT_LOCAL_STATUS: z.string().optional(),
    IOT_RATE_PER_CLIENT: whole(100, 1, 1_000_000),
    IOT_RATE_PER_ADDRESS: whole(200, 1, 1_000_000),
    /** Enrolments a second from one address, by claim code or EST. */
    IOT_RATE_ENROLMENTS: whole(20, 1, 1_000_000),
    /** TLS port of EST (RFC 7030), for devices that enrol with standard tools; not offered without it. */
    IOT_EST_PORT: port().optional(),
    /** Folder with `server.pem` and `server.key` of that port; watched, reloaded. */
    IOT_EST_TLS_DIR: z.string().min(1).optional(),
    IOT_BODY_BYTES: whole(65_536, 1_024, 10_485_760),
    IOT_TRUST_PROXY: flag(false),
  })
  .superRefine((s, context) => {
    const wrong = (name: keyof typeof s, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message });
    if ((s.IOT_EST_PORT === undefined) !== (s.IOT_EST_TLS_DIR === undefined))
      wrong('IOT_EST_TLS_DIR', 'needed with IOT_EST_PORT, and only then');
    const places = [s.IOT_KEYS_DIR, s.IOT_KEYS_SECRET].filter((place) => place !== undefined).length;
    if (s.IOT_OIDC_ISSUER === undefined && places !== 1)
      wrong(
        'IOT_KEYS_DIR',
        'exactly one of IOT_KEYS_DIR and IOT_KEYS_SECRET is needed by the bundled authorization server',
      );
    if (s.IOT_OIDC_ISSUER !== undefined && s.IOT_FIRST_ADMIN_SECRET !== undefined)
      wrong('IOT_FIRST_ADMIN_SECRET', 'people come from IOT_OIDC_ISSUER; leave it out');
  });

export const SimulatorSettings = z.object({
  ...commonSettings,
  IOT_API_URL: url('http', 'https'),
  IOT_MQTT: hostPort,
  IOT_CA_FILE: z.string().min(1),
  /** File with the simulator's client id and secret (JSON, mode 0600). */
  IOT_CLIENT_FILE: z.string().min(1),
  /** Folder for device keys, certificates and the ledger. */
  IOT_STATE_DIR: z.string().min(1),
  /** How its devices enrol: by its own client's token, or by a claim code each. */
  IOT_ENROLMENT: z.enum(['token', 'claim-code'], 'allowed is token or claim-code').default('token'),
  IOT_DEVICES: whole(50, 0, 100_000),
  IOT_MESSAGES_PER_MINUTE: whole(12, 1, 60_000),
  IOT_LEDGER: flag(false),
});

/** Sidecar of the gateway: keeps the files of IOT_TLS_DIR from Certificate Authority Service. */
export const CertificatesSettings = z.object({
  ...commonSettings,
  /** Folder shared with the gateway, in memory; the pod's private key is made here and never leaves it. */
  IOT_TLS_DIR: z.string().min(1),
  /** Pool of Certificate Authority Service that signs server certificates. */
  IOT_SERVER_CA_POOL: caPoolResource(),
  /** Host names of the certificate, comma between; the first is its common name. */
  IOT_SERVER_NAMES: z.string().transform((text, context) => {
    const names = text.split(',').map((each) => each.trim());
    if (names.length > 20 || !names.every((each) => hostName.test(each)) || new Set(names).size !== names.length) {
      context.addIssue('allowed is 1 to 20 different host names in lower case, as mqtt.example.com,mqtt-2.example.com');
      return z.NEVER;
    }
    return names;
  }),
  /** Life of a certificate; it is renewed at two thirds. */
  IOT_SERVER_CERTIFICATE_HOURS: whole(168, 1, 2_160),
  ...callsServices,
  /** The devices service, which knows the CAs whose device certificates are good. */
  IOT_DEVICES_URL: url('http', 'https'),
  /** Secret of the keys of TLS session tickets, 32 bytes, made here if it has no version; a device then resumes at any gateway. */
  IOT_TICKET_SECRET: secretResource().optional(),
});
const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

export { AuthoritySettings, MigrateSettings, RetentionSettings } from './jobs.ts';
export { ProbeClientSettings, ProbeSettings } from './probe.ts';
