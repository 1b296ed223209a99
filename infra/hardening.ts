/**
 * Security defaults that somebody may have a reason to loosen, in one frozen object: path, safe value, and why. Loosening
 * one is a setting (`hardening: {"cluster.publicDnsEndpoint": …}`), which warns with its path and both values, and which a
 * policy can refuse in production.
 */
export const hardened = {
  /** Subnets log their flows: without them an incident has no record of who talked to whom. CIS GCP 3.8. */
  'network.flowLogs': true,
  /** Egress is denied but for Google's APIs and the allow list: a taken-over pod has few ways home (docs/traps.md). */
  'network.denyEgress': true,
  /** DNS endpoint of the control plane answers from outside the VPC, to whom IAM allows `container.clusters.connect`. */
  'cluster.dnsEndpointExternal': true,
  /** Only images that an attestor or the project's own policy admits. */
  'cluster.binaryAuthorization': true,
  /** Kubernetes secrets are encrypted with a key of ours in KMS. CIS GKE 5.3.1. */
  'cluster.secretsEncryption': true,
  /** Traffic between nodes is encrypted (WireGuard in Dataplane V2). */
  'cluster.encryptNodeTraffic': true,
  /** The database takes connections only through Google's connectors, with IAM login. */
  'database.connectorOnly': true,
  /** pgaudit writes DDL and role changes to the log. */
  'database.audit': true,
  /** Topics keep messages in the environment's region only. */
  'messaging.regionalStorage': true,
  /** Web application firewall rules and rate limits in front of the API. */
  'edge.cloudArmor': true,
} as const satisfies Record<string, boolean>;

export type HardeningPath = keyof typeof hardened;
export type Hardening = Readonly<Record<HardeningPath, boolean>>;

/** A default that a setting made weaker or different. */
export type Loosened = { path: HardeningPath; safe: boolean; given: boolean };

/** Pure: the values to build with, and what is looser than the default. */
export function hardeningOf(given: Partial<Record<HardeningPath, boolean>>): {
  values: Hardening;
  loosened: readonly Loosened[];
} {
  const values = { ...hardened, ...given };
  const loosened = (Object.keys(hardened) as HardeningPath[])
    .filter((path) => values[path] !== hardened[path])
    .map((path) => ({ path, safe: hardened[path], given: values[path] }));
  return { values, loosened };
}
