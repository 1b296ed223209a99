/**
 * What of Google the platform uses. An API that is off answers each call with `SERVICE_DISABLED`, so that every component
 * waits for this list.
 */
export const services: Readonly<Record<string, string>> = {
  artifactregistry: 'images',
  billingbudgets: 'the budget, where one is set',
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

/** Reads images for known vulnerabilities; a fee an image, for every repository of the project, so it is a choice. */
export const scanningService = 'containerscanning';

/**
 * Turned on one after the other, before the rest: the provider asks Resource Manager for the project whenever it has turned
 * an API on, and with `userProjectOverride` the question counts against this project, where a new one has it off.
 * https://github.com/hashicorp/terraform-provider-google-beta/blob/main/google-beta/services/resourcemanager/resource_google_project_service.go
 */
export const firstServices = ['serviceusage', 'cloudresourcemanager'] as const;

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
  /** Makes the endpoints of databases and caches in our network; Google gives it its role when it is made. */
  networkconnectivity: 'gcp-sa-networkconnectivity.iam.gserviceaccount.com',
} as const;
export type AgentName = keyof typeof agentDomains;

/**
 * Roles that Google's own accounts need on the project; grants on single resources are made beside these. Here: machines of
 * the cluster get the firewall's secure tag when they are started, by GKE and by Compute Engine's manager of groups.
 * https://cloud.google.com/kubernetes-engine/docs/how-to/tags-firewall-policies#service-agent-iam
 */
export const agentRoles: readonly { name: string; agent: AgentName | 'googleApis'; role: string }[] = [
  { name: 'container-tags', agent: 'container', role: 'roles/resourcemanager.tagUser' },
  { name: 'container-tag-holds', agent: 'container', role: 'roles/resourcemanager.tagHoldAdmin' },
  { name: 'google-apis-tags', agent: 'googleApis', role: 'roles/resourcemanager.tagUser' },
];

/**
 * Audit logs beside those that cannot be turned off. All services: who read settings and rights. Those that hold keys,
 * secrets and identities: also who used them. Not the data of the rest, which is a line a message. CIS GCP 2.1, narrowed.
 * https://cloud.google.com/logging/docs/audit/configure-data-access
 */
export const audited: readonly { service: string; logTypes: readonly ('ADMIN_READ' | 'DATA_READ' | 'DATA_WRITE')[] }[] =
  [
    { service: 'allServices', logTypes: ['ADMIN_READ'] },
    { service: 'cloudkms', logTypes: ['DATA_READ', 'DATA_WRITE'] },
    { service: 'iam', logTypes: ['DATA_READ', 'DATA_WRITE'] },
    { service: 'privateca', logTypes: ['DATA_READ', 'DATA_WRITE'] },
    { service: 'secretmanager', logTypes: ['DATA_READ', 'DATA_WRITE'] },
  ];
