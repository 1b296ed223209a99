/** One IPv4 range in CIDR notation. */
export type Cidr = string;

/** Who has which addresses; no two ranges overlap. */
export type AddressPlan = {
  nodes: Cidr;
  pods: Cidr;
  services: Cidr;
  /** Endpoints of Private Service Connect: databases and caches. */
  privateServices: Cidr;
  /** Proxies of regional load balancers. */
  proxies: Cidr;
};

/** How one part is deployed: pods at rest and at most, and what each asks for. */
export type PodPlan = {
  replicas: number;
  maximum: number;
  /** Kubernetes quantities: `500m`, `1536Mi`. */
  cpu: string;
  memory: string;
};

export type ServiceName = 'gateway' | 'processor' | 'devices' | 'telemetry' | 'api';

/** One line of arithmetic: what `iot plan` prints. */
export type Step = { what: string; formula: string; result: string };

export type CostLine = {
  /** Resource type or group that is priced. */
  what: string;
  /** Id in the price file. */
  price: string;
  quantity: number;
  unit: string;
  /** US dollars a month. */
  monthly: number;
  /** Whether the price was checked against the vendor's page on its date. */
  verified: boolean;
  source: string;
};

export type Cost = {
  lines: readonly CostLine[];
  monthly: number;
  /** Share of `monthly` whose prices are not verified, 0 to 1. */
  unverifiedShare: number;
  /** Date of the price file, ISO. */
  priced: string;
};

/** Everything that follows from the fleet and the tier. Pure data; components only carry it out. */
export type Plan = {
  fleet: { devices: number; messagesPerDevicePerMinute: number; messagesPerSecond: number };
  addresses: AddressPlan;
  pods: Readonly<Record<ServiceName, PodPlan>>;
  /** Devices that one gateway pod carries when a zone is lost. */
  devicesPerGateway: number;
  /** Connections that a gateway admits at all (`IOT_MAX_CONNECTIONS`): its memory holds so many, and not more. */
  connectionsPerGateway: number;
  cluster: {
    /** Machine type and node counts per zone, for a Standard cluster; Autopilot sizes itself. */
    machineType: string;
    minimumNodesPerZone: number;
    maximumNodesPerZone: number;
    zones: number;
    /** GB. */
    nodeDisk: number;
  };
  database: {
    /** Databases that hold readings; each is an instance of its own. */
    shards: number;
    /** Cloud SQL tier: `db-custom-2-7680`, `db-perf-optimized-N-2`. */
    coreTier: string;
    shardTier: string;
    /** GB at the start; grows by itself. */
    coreDisk: number;
    shardDisk: number;
    maximumConnections: number;
  };
  cache: { nodeType: string; shards: number };
  certificates: {
    /** Certificates a day at the planned lifetime. */
    perDay: number;
    /** Certificate authorities of CAS that a re-enrolment of the whole fleet within the planned time needs. */
    authorities: number;
    /** US dollars a month, side by side. */
    monthlyByCas: number;
    monthlyByKms: number;
    /** Hours in which the whole fleet gets new certificates at the rate of one authority of CAS, and of the key in KMS. */
    reenrolHoursByCas: number;
    reenrolHoursByKms: number;
  };
  cost: Cost;
  steps: readonly Step[];
};
