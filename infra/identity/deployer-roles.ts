/** A role on the project, and why nothing smaller does. */
export type Justified = { role: string; why: string };

/**
 * What a deploy of this program needs, one role an API. Who makes things and decides who may use them can get at what is in
 * them: these roles are the smallest that do the work and no wall around the data (docs/how-to/ci.md says what follows).
 * Managing the federation itself is left out on purpose: CI cannot widen who may be CI.
 */
export const deployerRoles: readonly Justified[] = [
  { role: 'roles/artifactregistry.admin', why: 'makes the image repository, pushes images and sets who reads them' },
  { role: 'roles/binaryauthorization.policyEditor', why: 'sets which images the cluster admits' },
  { role: 'roles/certificatemanager.editor', why: 'makes the certificate map of the HTTPS edge' },
  { role: 'roles/cloudkms.admin', why: 'makes keys and grants their use; cannot encrypt, decrypt or sign by itself' },
  { role: 'roles/cloudsql.admin', why: 'makes instances, databases and IAM users; tables are granted by the migrator' },
  { role: 'roles/compute.loadBalancerAdmin', why: 'makes addresses and the parts of the load balancers' },
  {
    role: 'roles/compute.networkAdmin',
    why: 'makes network, subnets, routers and NAT, and attaches the firewall policy',
  },
  { role: 'roles/compute.securityAdmin', why: 'makes firewall and Cloud Armor policies' },
  { role: 'roles/container.admin', why: 'makes the cluster and the objects in it, roles of the cluster included' },
  {
    role: 'roles/datastore.owner',
    why: 'makes the Firestore database and its backup schedules; no smaller role does. It reads documents, too',
  },
  { role: 'roles/dns.admin', why: 'makes zones and records' },
  { role: 'roles/gkebackup.admin', why: 'makes the backup plan of the cluster' },
  { role: 'roles/iam.roleViewer', why: 'compares its custom role; changing it needs a person' },
  {
    role: 'roles/iam.serviceAccountAdmin',
    why: 'makes the accounts of the workloads and who may use them, and so may become any account of the project',
  },
  { role: 'roles/iam.workloadIdentityPoolViewer', why: 'compares the federation; changing it needs a person' },
  { role: 'roles/logging.configWriter', why: 'makes log buckets, sinks and log-based metrics' },
  { role: 'roles/memorystore.admin', why: 'makes the cache' },
  { role: 'roles/monitoring.editor', why: 'makes service levels, alerts, dashboards and outside checks' },
  { role: 'roles/networkconnectivity.consumerNetworkAdmin', why: 'makes the policies of Private Service Connect' },
  { role: 'roles/privateca.admin', why: 'makes pools, CAs and templates and has the root sign the CAs below it' },
  { role: 'roles/pubsub.admin', why: 'makes topics, subscriptions and schemas and grants their use' },
  {
    role: 'roles/resourcemanager.projectIamAdmin',
    why: 'grants the roles that exist on a project alone; its condition names them',
  },
  { role: 'roles/resourcemanager.tagAdmin', why: 'makes the secure tags of the firewall' },
  { role: 'roles/serviceusage.serviceUsageAdmin', why: 'turns APIs on and makes their service agents' },
  {
    role: 'roles/storage.admin',
    why: 'makes the archive bucket; buckets have no smaller role that sets grants. It reads objects, too',
  },
];

/** `roles/secretmanager.admin` would read every secret of the project; these make secrets and grant their use. */
export const secretsWithoutValues = [
  'secretmanager.secrets.create',
  'secretmanager.secrets.delete',
  'secretmanager.secrets.get',
  'secretmanager.secrets.getIamPolicy',
  'secretmanager.secrets.list',
  'secretmanager.secrets.setIamPolicy',
  'secretmanager.secrets.update',
] as const;
