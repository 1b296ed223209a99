/**
 * What a tier is, as data: the only place where `prod` differs from `dev`. Components read these values and never the
 * tier's name, so that a difference between environments is always visible here.
 */
export const tierNames = ['ephemeral', 'dev', 'staging', 'prod'] as const;
export type TierName = (typeof tierNames)[number];

/**
 * Protection of what holds data or a name that devices know, in one value. The three layers refuse in three places:
 * Pulumi's engine, the provider, and Google's API (from anywhere, the console included).
 */
export type Lifecycle = {
  /** Pulumi's `protect` on everything that holds data. */
  protect: boolean;
  /** The provider's own refusal, on everything that holds data. */
  deletionPolicy: 'DELETE' | 'PREVENT';
  /** `deletionProtection` flags of the APIs: cluster, SQL, Memorystore, Firestore. Has to be false in the state before a destroy. */
  apiProtection: boolean;
  /** Whether a destroy also deletes what it finds inside: buckets with objects, CAs with live certificates, pools in grace. */
  forceDelete: boolean;
};

export type Tier = {
  name: TierName;
  lifecycle: Lifecycle;
  cluster: {
    releaseChannel: 'RAPID' | 'REGULAR' | 'STABLE';
    /** Backup for GKE; a locked plan would block a destroy, so ephemeral has none. */
    backupDays: number | null;
    /** Times without upgrades of nodes or minor versions, UTC. */
    upgradeFreezes: readonly { name: string; start: string; end: string }[];
  };
  database: {
    edition: 'ENTERPRISE' | 'ENTERPRISE_PLUS';
    availability: 'ZONAL' | 'REGIONAL';
    /** Automatic backups kept, and days of transaction log for point-in-time recovery; null: none. */
    backups: { kept: number; pointInTimeDays: number } | null;
    /** A last backup that Google keeps for so many days after a deletion. */
    finalBackupDays: number | null;
  };
  cache: { replicas: 0 | 1 | 2 };
  documents: { pointInTime: boolean; backupDays: number | null };
  authority: {
    /** Enterprise lists, describes and revokes; DevOps is cheaper and only issues. */
    caTier: 'ENTERPRISE' | 'DEVOPS';
    keyProtection: 'HSM' | 'SOFTWARE';
    /** Tier of the pool that signs servers' certificates: they live for hours, so that nobody has to revoke or list them. */
    serverCaTier: 'ENTERPRISE' | 'DEVOPS';
    /** Longest life of a server's certificate; a pod renews its own long before. */
    serverCertificateHours: number;
    rootYears: number;
    issuingYears: number;
  };
  keys: {
    /** Days in which a destroyed key version can be restored. Fixed when a key is made. */
    destroyDays: number;
  };
  messaging: {
    /** How far back a subscription can be sought; covers the database's recovery window in tiers that have one. */
    topicRetentionDays: number;
    archive: boolean;
  };
  workloads: {
    /** Fewest pods of a part, whatever the fleet's size. */
    gateway: number;
    processor: number;
    service: number;
    /** Spread over zones is demanded (`DoNotSchedule`) or only wished for. */
    strictSpread: boolean;
    /**
     * Gateways scale by open connections, through GKE's managed metric adapter: pre-GA, from 1.35.1 on. Elsewhere by
     * processor time and memory, which grows with connections.
     */
    scaleOnConnections: boolean;
  };
  images: {
    /** Each pushed image is read for known vulnerabilities, for a fee an image; the setting `scanImages` has the last word. */
    scanned: boolean;
  };
  observability: {
    logDays: number;
    /** A budget of errors that burns fast calls somebody, at night too. */
    pageOnBurn: boolean;
    /** A probe enrols and publishes like a device, and the API is asked from outside. */
    uptimeProbe: boolean;
    /** Share of good events over 28 days, 0 to 1: messages acknowledged, and acknowledged or queryable in time. */
    objectives: { availability: number; latency: number };
  };
  /** Lends itself to previews: lanes of branches beside the environment's own data, never in a tier that guards it. */
  previews: boolean;
  /** A domain is needed: devices and people reach the environment by name. */
  needsDomain: boolean;
};

const deletable: Lifecycle = { protect: false, deletionPolicy: 'DELETE', apiProtection: false, forceDelete: true };
const guarded: Lifecycle = { protect: true, deletionPolicy: 'PREVENT', apiProtection: true, forceDelete: false };

/**
 * Nobody is there to look after an upgrade. Only the next one: GKE takes no exclusion that ends after the support of the
 * cluster's minor version, which is some 14 months, and refuses the whole cluster for it. The next year's comes each spring.
 * https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions#limitations-maintenance-exclusions
 */
const yearEnd = { name: 'year-end-2026', start: '2026-12-18T00:00:00Z', end: '2027-01-05T00:00:00Z' };

export const tiers: Readonly<Record<TierName, Tier>> = {
  ephemeral: {
    name: 'ephemeral',
    lifecycle: deletable,
    cluster: { releaseChannel: 'REGULAR', backupDays: null, upgradeFreezes: [] },
    database: { edition: 'ENTERPRISE', availability: 'ZONAL', backups: null, finalBackupDays: null },
    cache: { replicas: 0 },
    documents: { pointInTime: false, backupDays: null },
    authority: {
      caTier: 'DEVOPS',
      keyProtection: 'SOFTWARE',
      serverCaTier: 'DEVOPS',
      serverCertificateHours: 72,
      rootYears: 1,
      issuingYears: 1,
    },
    keys: { destroyDays: 1 },
    messaging: { topicRetentionDays: 1, archive: false },
    workloads: { gateway: 1, processor: 1, service: 1, strictSpread: false, scaleOnConnections: true },
    images: { scanned: false },
    observability: {
      logDays: 7,
      pageOnBurn: false,
      uptimeProbe: false,
      objectives: { availability: 0.99, latency: 0.95 },
    },
    previews: false,
    needsDomain: false,
  },
  dev: {
    name: 'dev',
    lifecycle: deletable,
    cluster: { releaseChannel: 'REGULAR', backupDays: null, upgradeFreezes: [] },
    database: {
      edition: 'ENTERPRISE',
      availability: 'ZONAL',
      backups: { kept: 7, pointInTimeDays: 3 },
      finalBackupDays: null,
    },
    cache: { replicas: 0 },
    documents: { pointInTime: false, backupDays: null },
    authority: {
      caTier: 'DEVOPS',
      keyProtection: 'SOFTWARE',
      serverCaTier: 'DEVOPS',
      serverCertificateHours: 72,
      rootYears: 5,
      issuingYears: 3,
    },
    keys: { destroyDays: 1 },
    messaging: { topicRetentionDays: 4, archive: false },
    workloads: { gateway: 2, processor: 1, service: 1, strictSpread: false, scaleOnConnections: true },
    images: { scanned: false },
    observability: {
      logDays: 30,
      pageOnBurn: false,
      uptimeProbe: false,
      objectives: { availability: 0.99, latency: 0.95 },
    },
    previews: true,
    needsDomain: false,
  },
  staging: {
    name: 'staging',
    lifecycle: guarded,
    cluster: { releaseChannel: 'REGULAR', backupDays: 7, upgradeFreezes: [] },
    database: {
      edition: 'ENTERPRISE',
      availability: 'REGIONAL',
      backups: { kept: 14, pointInTimeDays: 7 },
      finalBackupDays: 7,
    },
    cache: { replicas: 1 },
    documents: { pointInTime: true, backupDays: 7 },
    authority: {
      caTier: 'ENTERPRISE',
      keyProtection: 'HSM',
      serverCaTier: 'DEVOPS',
      serverCertificateHours: 72,
      rootYears: 10,
      issuingYears: 5,
    },
    keys: { destroyDays: 30 },
    messaging: { topicRetentionDays: 8, archive: true },
    workloads: { gateway: 3, processor: 2, service: 2, strictSpread: true, scaleOnConnections: true },
    images: { scanned: true },
    observability: {
      logDays: 30,
      pageOnBurn: false,
      uptimeProbe: true,
      objectives: { availability: 0.999, latency: 0.99 },
    },
    previews: false,
    needsDomain: true,
  },
  prod: {
    name: 'prod',
    lifecycle: guarded,
    cluster: { releaseChannel: 'STABLE', backupDays: 30, upgradeFreezes: [yearEnd] },
    database: {
      edition: 'ENTERPRISE_PLUS',
      availability: 'REGIONAL',
      backups: { kept: 30, pointInTimeDays: 14 },
      finalBackupDays: 30,
    },
    cache: { replicas: 1 },
    documents: { pointInTime: true, backupDays: 30 },
    authority: {
      caTier: 'ENTERPRISE',
      keyProtection: 'HSM',
      serverCaTier: 'DEVOPS',
      serverCertificateHours: 72,
      rootYears: 10,
      issuingYears: 5,
    },
    keys: { destroyDays: 30 },
    messaging: { topicRetentionDays: 15, archive: true },
    workloads: { gateway: 6, processor: 3, service: 3, strictSpread: true, scaleOnConnections: false },
    images: { scanned: true },
    observability: {
      logDays: 90,
      pageOnBurn: true,
      uptimeProbe: true,
      objectives: { availability: 0.999, latency: 0.99 },
    },
    previews: false,
    needsDomain: true,
  },
};

/** The same tier with its protection dropped: what `protection: off` sets before a destroy, and says so in the log. */
export const unprotected = (tier: Tier): Tier => ({ ...tier, lifecycle: deletable });
