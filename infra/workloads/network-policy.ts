import type { Environment } from '../environment.ts';
import { calls, type Outside, type PodName, podNames, type Visitor, visits } from './flows.ts';
import { selectorOf } from './labels.ts';

/** A NetworkPolicy's specification as plain data, so that tests read it without an engine. */
export type Peer = {
  podSelector?: { matchLabels: Record<string, string> };
  namespaceSelector?: { matchLabels?: Record<string, string>; matchExpressions?: Expression[] };
  ipBlock?: { cidr: string };
};
type Expression = { key: string; operator: 'In'; values: string[] };
type Port = { protocol: 'TCP' | 'UDP'; port: number };
type Ingress = { from: Peer[]; ports: Port[] };
type Egress = { to: Peer[]; ports: Port[] };
export type PolicySpec = {
  podSelector: { matchLabels?: Record<string, string> };
  policyTypes: ('Ingress' | 'Egress')[];
  ingress: Ingress[];
  egress: Egress[];
};

const tcp = (...numbers: number[]): Port[] => numbers.map((port) => ({ protocol: 'TCP', port }));
const block = (...cidrs: string[]): Peer[] => cidrs.map((cidr) => ({ ipBlock: { cidr } }));
const pod = (name: PodName): Peer => ({ podSelector: { matchLabels: selectorOf(name) } });
const namespaces = (...names: string[]): Peer => ({
  namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: names }] },
});

/** Google's proxies and health checkers: https://cloud.google.com/load-balancing/docs/health-checks#fw-rule */
const googleProxies = ['35.191.0.0/16', '130.211.0.0/22'];
/** restricted.googleapis.com: https://cloud.google.com/vpc/docs/configure-private-google-access#domain-options */
const restrictedApis = '199.36.153.4/30';
/** Pods of managed collection: https://cloud.google.com/stackdriver/docs/managed-prometheus/setup-managed */
const collectors = ['gmp-system', 'gke-gmp-system'];
/** Managed OpenTelemetry of GKE: https://cloud.google.com/kubernetes-engine/docs/how-to/managed-otel-gke */
const traceCollector = 'gke-managed-otel';

/** Nothing in, nothing out, for every pod that has no rule of its own. */
export const denyAll: PolicySpec = { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [], egress: [] };

/** What a pod may do, from the table of flows. Pure. */
export function policyOf(
  name: PodName,
  environment: Pick<Environment, 'plan' | 'egressAllow' | 'oidc' | 'domain'>,
): PolicySpec {
  const { pods, outside } = calls[name];
  // Without a domain there is no way in for EST.
  const visitors = visits[name].filter(({ from }) => from !== 'enrolling-devices' || environment.domain !== null);
  const reached = outside.filter((each) => each !== 'oidc' || environment.oidc !== null);
  return {
    podSelector: { matchLabels: selectorOf(name) },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      ...podNames.flatMap((from) =>
        calls[from].pods.filter(({ to }) => to === name).map(({ port }) => ({ from: [pod(from)], ports: tcp(port) })),
      ),
      ...visitors.map(({ from, port }) => ({ from: visitor(from), ports: tcp(port) })),
    ],
    egress: [
      ...everyPod(),
      ...pods.map(({ to, port }) => ({ to: [pod(to)], ports: tcp(port) })),
      ...reached.flatMap((each) => outsideOf(each, environment)),
    ],
  };
}

function visitor(from: Visitor): Peer[] {
  switch (from) {
    case 'devices':
    case 'enrolling-devices':
      return block('0.0.0.0/0'); // the load balancer passes packets through: the source is the device's own address
    case 'load-balancer':
      return block(...googleProxies);
    case 'collector':
      return [namespaces(...collectors)];
  }
}

/** Names and the metadata server, from which Workload Identity's tokens come. */
function everyPod(): Egress[] {
  return [
    {
      // Cloud DNS answers at the metadata server's and NodeLocal DNSCache's addresses, kube-dns from kube-system.
      to: [namespaces('kube-system'), ...block('169.254.169.254/32', '169.254.20.10/32')],
      ports: [
        { protocol: 'UDP', port: 53 },
        { protocol: 'TCP', port: 53 },
      ],
    },
    // https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy#network-policy-and-workload-identity
    { to: block('169.254.169.254/32'), ports: tcp(80) },
    { to: block('169.254.169.252/32'), ports: tcp(988) },
  ];
}

function outsideOf(outside: Outside, { plan, egressAllow }: Pick<Environment, 'plan' | 'egressAllow'>): Egress[] {
  switch (outside) {
    case 'google':
      return [{ to: block(restrictedApis), ports: tcp(443) }];
    case 'sql':
      // 3307 is the port of Google's connectors: https://cloud.google.com/sql/docs/postgres/connect-connectors
      return [{ to: block(plan.addresses.privateServices), ports: tcp(3307) }];
    case 'cache':
      return [{ to: block(plan.addresses.privateServices), ports: tcp(6379) }];
    case 'oidc':
      return egressAllow.length === 0 ? [] : [{ to: block(...egressAllow), ports: tcp(443) }];
    case 'traces':
      return [{ to: [namespaces(traceCollector)], ports: tcp(4318) }];
  }
}
