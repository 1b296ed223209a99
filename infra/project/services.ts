/**
 * What of Google the platform uses. An API that is off answers each call with `SERVICE_DISABLED`, so that every component
 * waits for this list.
 */
export const services: Readonly<Record<string, string>> = {
  artifactregistry: 'images',
  binaryauthorization: 'admission of images by the cluster',
  certificatemanager: 'certificates of the HTTPS edge',
  cloudkms: 'keys of the issuing authority, of firmware and of cluster secrets',
  cloudresourcemanager: 'grants and secure tags',
  cloudtrace: 'traces',
  compute: 'network, addresses, load balancers',
  container: 'the cluster',
  dns: 'zones, private and public',
  firestore: 'documents',
  gkebackup: 'backups of the cluster',
  iam: 'service accounts',
  iamcredentials: 'tokens of service accounts for Workload Identity',
  logging: 'logs and their buckets',
  memorystore: 'the cache',
  monitoring: 'metrics, alerts, dashboards',
  networkconnectivity: 'endpoints of databases and caches in the network',
  privateca: 'certificate authorities',
  pubsub: 'the bus',
  secretmanager: 'secrets',
  serviceconsumermanagement: 'endpoints of databases and caches in the network',
  serviceusage: 'this list itself',
  sqladmin: 'databases',
  storage: 'archive of messages',
  sts: 'keyless deployments',
};

/**
 * Google's own account in this project per API ("service agent"), which acts when a service uses another one for us. An
 * API makes its agent at the first use of a feature, and a grant to one that does not exist fails, so that those that get
 * grants are made here. The right side is the domain of its address: `service-<project number>@<domain>`.
 * https://cloud.google.com/iam/docs/service-agents
 */
export const agentDomains = {
  /** Moves dead letters, writes the archive. */
  pubsub: 'gcp-sa-pubsub.iam.gserviceaccount.com',
  /** Encrypts cluster secrets with our key; uses secure tags. */
  container: 'container-engine-robot.iam.gserviceaccount.com',
  /** Signs with keys in KMS, publishes revocation lists. */
  privateca: 'gcp-sa-privateca.iam.gserviceaccount.com',
  sqladmin: 'gcp-sa-cloud-sql.iam.gserviceaccount.com',
  secretmanager: 'gcp-sa-secretmanager.iam.gserviceaccount.com',
  gkebackup: 'gcp-sa-gkebackup.iam.gserviceaccount.com',
} as const;
export type AgentName = keyof typeof agentDomains;
