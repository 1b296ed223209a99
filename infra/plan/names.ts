import { createHash } from 'node:crypto';

/** Length and alphabet of a name, as its API demands. Sources: the `name` fields of Google's API references. */
type Law = { min: number; max: number; pattern: RegExp; source: string };

const dns = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;

export const nameLaws = {
  /** RFC 1035 label: networks, subnets, routers, addresses, policies, most of Compute. */
  compute: { min: 1, max: 63, pattern: dns, source: 'https://cloud.google.com/compute/docs/naming-resources' },
  cluster: {
    min: 1,
    max: 40,
    pattern: dns,
    source: 'https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters',
  },
  serviceAccount: {
    min: 6,
    max: 30,
    pattern: dns,
    source: 'https://cloud.google.com/iam/docs/service-accounts-create',
  },
  /** Project and instance together have at most 98 characters. */
  sqlInstance: { min: 1, max: 67, pattern: dns, source: 'https://cloud.google.com/sql/docs/postgres/create-instance' },
  memorystore: {
    min: 4,
    max: 63,
    pattern: dns,
    source: 'https://cloud.google.com/memorystore/docs/valkey/reference/rest/v1/projects.locations.instances',
  },
  pubsub: {
    min: 3,
    max: 255,
    pattern: /^(?!goog)[a-zA-Z][a-zA-Z0-9\-_.~+%]*$/,
    source: 'https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names',
  },
  caPool: {
    min: 1,
    max: 63,
    pattern: /^[a-zA-Z0-9_-]+$/,
    source: 'https://cloud.google.com/certificate-authority-service/docs/reference/rest/v1/projects.locations.caPools',
  },
  kms: {
    min: 1,
    max: 63,
    pattern: /^[a-zA-Z0-9_-]+$/,
    source: 'https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings',
  },
  secret: {
    min: 1,
    max: 255,
    pattern: /^[a-zA-Z0-9_-]+$/,
    source: 'https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets',
  },
  /** Letters, digits and -; 4 to 63. */
  firestore: { min: 4, max: 63, pattern: dns, source: 'https://cloud.google.com/firestore/docs/manage-databases' },
  bucket: {
    min: 3,
    max: 63,
    pattern: /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
    source: 'https://cloud.google.com/storage/docs/buckets#naming',
  },
  repository: {
    min: 1,
    max: 63,
    pattern: dns,
    source: 'https://cloud.google.com/artifact-registry/docs/repositories/create-repos',
  },
  identityPool: {
    min: 4,
    max: 32,
    pattern: /^(?!gcp-)[a-z0-9-]+$/,
    source: 'https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools',
  },
  dnsZone: {
    min: 1,
    max: 63,
    pattern: dns,
    source: 'https://cloud.google.com/dns/docs/reference/rest/v1/managedZones',
  },
  kubernetes: {
    min: 1,
    max: 63,
    pattern: dns,
    source: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/names/',
  },
} as const satisfies Record<string, Law>;
export type NameKind = keyof typeof nameLaws;

/** Environment names leave room for every suffix: `iot-<environment>-<part>`. */
export const environmentName = /^[a-z][a-z0-9-]{0,14}[a-z0-9]$/;

/**
 * Name of a resource: `<environment>-<part>-<part>`. One that is too long keeps its beginning and ends with six hex digits
 * of its hash, so that two long names stay different.
 * @throws Error when the API's alphabet or least length cannot be met.
 */
export function nameOf(kind: NameKind, ...parts: readonly string[]): string {
  const law: Law = nameLaws[kind];
  const whole = parts.filter((part) => part !== '').join('-');
  const name =
    whole.length <= law.max
      ? whole
      : `${whole.slice(0, law.max - 7).replace(/-+$/, '')}-${createHash('sha256').update(whole).digest('hex').slice(0, 6)}`;
  if (name.length < law.min || !law.pattern.test(name))
    throw new Error(
      `name '${name}' for ${kind}: allowed is ${law.min} to ${law.max} characters of ${law.pattern} (${law.source})`,
    );
  return name;
}
