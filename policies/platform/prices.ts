/**
 * List prices in USD of what is billed by being there, in us-central1, without discounts. A test holds them to those that
 * the project plans with. What is billed by use alone (messages, log lines, requests, traffic) is in nobody's program.
 */
export const prices = {
  'gke.cluster': 0.1,
  'autopilot.cpu': 0.0445,
  'autopilot.memory': 0.0049225,
  'node.e2-standard-4': 0.13402,
  'sql.enterprise.cpu': 0.0413,
  'sql.enterprise.memory': 0.007,
  'sql.plus.cpu': 0.0537,
  'sql.plus.memory': 0.0091,
  'sql.storage': 0.17,
  'valkey.SHARED_CORE_NANO': 0.0318,
  'valkey.STANDARD_SMALL': 0.1425,
  'valkey.HIGHMEM_MEDIUM': 0.1923,
  'cas.enterprise.ca': 200,
  'cas.devops.ca': 20,
  'kms.software.version': 0.06,
  'kms.hsm.version': 2.5,
  'lb.rules': 0.025,
  'armor.policy': 5,
  'armor.rule': 1,
  'dns.zone': 0.2,
} as const;

export const hoursAMonth = 730;

/**
 * Types that cost nothing, cents, or by use alone. Any other one that has no price is said to have none: a cost that
 * nobody counted is not zero.
 */
export const free: readonly RegExp[] = [
  /^gcp:\w+\/\w*IAM(Member|Binding|Policy|AuditConfig|CustomRole):/i,
  /^gcp:(projects|serviceaccount|iam|tags|binaryauthorization|organizations|folder|billing|gkehub|essentialcontacts)\//,
  /^gcp:compute\/(network|subnetwork|firewall|networkFirewallPolicy\w*|firewallPolicy\w*|route|router|routerNat|sSLPolicy|resourcePolicy|securityPolicyRule|uRLMap|regionUrlMap|backendService|regionBackendService|healthCheck|targetHttp\w*|regionTargetHttp\w*|address|globalAddress|managedSslCertificate|sSLCertificate):/,
  /^gcp:(certificatemanager|networkconnectivity|servicenetworking|monitoring|logging|pubsub|storage|firestore|secretmanager|artifactregistry|gkebackup)\//,
  /^gcp:certificateauthority\/(caPool|certificate|certificateTemplate):/,
  /^gcp:kms\/(keyRing|cryptoKeyVersion):/,
  /^gcp:sql\/(database|user):/,
  /^gcp:dns\/(recordSet|policy):/,
];
