/**
 * Lists of plain values that the programs give, and why their order makes no second change: the provider takes the list for
 * a set, or the API keeps the order, or answers in one that ours is. A list that is not here fails.
 */
export type Order = { type: string; path: string; order: 'set' | 'kept' | 'sorted' | readonly string[] };

/** In the order of the API's own enumeration, in which GKE answers. */
const parts = ['SYSTEM_COMPONENTS', 'WORKLOADS', 'APISERVER', 'SCHEDULER', 'CONTROLLER_MANAGER'];
const metrics = [
  ...['SYSTEM_COMPONENTS', 'APISERVER', 'SCHEDULER', 'CONTROLLER_MANAGER', 'STORAGE', 'HPA', 'POD', 'DAEMONSET'],
  ...['DEPLOYMENT', 'STATEFULSET', 'CADVISOR', 'KUBELET', 'DCGM', 'JOBSET'],
];

export const orders: readonly Order[] = [
  // Written and read back as they are: https://cloud.google.com/compute/docs/reference/rest/v1/networkFirewallPolicies
  ...['match.destIpRanges', 'match.srcIpRanges', 'match.layer4Configs[].ports'].map(
    (path): Order => ({ type: 'gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule', path, order: 'kept' }),
  ),
  { type: 'gcp:compute/routerNat:RouterNat', path: 'subnetworks[].sourceIpRangesToNats', order: 'set' },
  // Cloud DNS sorts; the provider takes any order for the same, and this one needs no favour.
  { type: 'gcp:dns/recordSet:RecordSet', path: 'rrdatas', order: 'sorted' },
  { type: 'gcp:container/cluster:Cluster', path: 'loggingConfig.enableComponents', order: parts },
  { type: 'gcp:container/cluster:Cluster', path: 'monitoringConfig.enableComponents', order: metrics },
];
