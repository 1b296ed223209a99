import type { Environment } from '../environment.ts';
import { ports } from '../workloads/ports.ts';

/**
 * The firewall as data. Egress is denied but for what is listed here; ingress from outside the cluster likewise. Pods among
 * themselves are the business of NetworkPolicy, which knows them; here are addresses only.
 *
 * Not listed because nothing can block it: the metadata server 169.254.169.254, which is also DNS, DHCP and NTP
 * (https://cloud.google.com/firewall/docs/firewalls#alwaysallowed), and replies to what was let in, since rules are stateful.
 */
export type FirewallRule = {
  name: string;
  /** Smaller goes first. */
  priority: number;
  direction: 'INGRESS' | 'EGRESS';
  action: 'allow' | 'deny';
  why: string;
  /** Sources of an ingress rule, destinations of an egress rule. */
  ranges?: readonly string[];
  /** Destinations by name; resolved by the firewall itself. */
  names?: readonly string[];
  layer4: readonly { protocol: 'tcp' | 'udp' | 'all'; ports?: readonly string[] }[];
  /** Holds for instances with the nodes' secure tag only; else for every instance of the network. */
  nodesOnly: boolean;
  logged: boolean;
};

/**
 * `restricted.googleapis.com`: Google's APIs that VPC Service Controls knows, on addresses which are not routed on the
 * internet. https://cloud.google.com/vpc/docs/configure-private-google-access#ip-addr-defaults
 */
export const restrictedApis = '199.36.153.4/30';
/** The four addresses of that range, as DNS answers them. */
export const restrictedAddresses = ['199.36.153.4', '199.36.153.5', '199.36.153.6', '199.36.153.7'] as const;

/** Proxies and probes of global load balancers. https://cloud.google.com/load-balancing/docs/firewall-rules */
export const loadBalancers = ['130.211.0.0/22', '35.191.0.0/16'] as const;
/** Probes of external pass-through load balancers, same page. */
export const passThroughProbes = ['209.85.152.0/22', '209.85.204.0/22', '35.191.0.0/16'] as const;

/** PostgreSQL, its pooler and Google's connector; Valkey, whose cluster mode answers on a port per node. */
const storePorts = ['3307', '5432', '6379', '6432', '11000-13047'] as const;

/** Where kube-proxy and a Service with local traffic policy answer a load balancer's probe. */
const probePorts = ['10256', '30000-32767'] as const;

/** Pure. Sorted by direction and priority; each priority is used once. */
export function firewallRules(environment: Environment): readonly FirewallRule[] {
  const { addresses } = environment.plan;
  const cluster = [addresses.nodes, addresses.pods, addresses.services];
  const issuer = environment.oidc === null ? null : new URL(environment.oidc.issuer);
  const egress: FirewallRule[] = [
    {
      name: 'google-apis',
      priority: 1_000,
      direction: 'EGRESS',
      action: 'allow',
      why: 'images, logs, metrics, tokens and all services of Google, by the private names of google-apis.ts',
      ranges: [restrictedApis],
      layer4: [{ protocol: 'tcp', ports: ['443'] }],
      nodesOnly: false,
      logged: false,
    },
    {
      name: 'cluster',
      priority: 1_010,
      direction: 'EGRESS',
      action: 'allow',
      // The control plane's endpoint of Private Service Connect has an address of the nodes' subnet, port 443.
      // https://cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules
      why: 'nodes and pods among themselves, and to the control plane',
      ranges: cluster,
      layer4: [{ protocol: 'all' }],
      nodesOnly: false,
      logged: false,
    },
    {
      name: 'stores',
      priority: 1_020,
      direction: 'EGRESS',
      action: 'allow',
      why: 'databases and caches, by their endpoints of Private Service Connect',
      ranges: [addresses.privateServices],
      layer4: [{ protocol: 'tcp', ports: storePorts }],
      nodesOnly: false,
      logged: false,
    },
    ...(environment.egressAllow.length === 0
      ? []
      : [
          {
            name: 'allowed',
            priority: 1_030,
            direction: 'EGRESS',
            action: 'allow',
            why: 'setting egressAllow',
            ranges: [...environment.egressAllow].sort(),
            layer4: [{ protocol: 'tcp' }],
            nodesOnly: false,
            // Few connections, and each leaves the platform.
            logged: true,
          } as const,
        ]),
    ...(issuer === null
      ? []
      : [
          {
            name: 'identity-provider',
            priority: 1_040,
            direction: 'EGRESS',
            action: 'allow',
            // By name, since a provider's addresses change. Names are charged per GB of the traffic they judge.
            // https://cloud.google.com/firewall/docs/about-firewall-policies#fqdn-objects
            why: 'setting oidc: keys of the issuer with which the API checks tokens',
            names: [issuer.hostname],
            layer4: [{ protocol: 'tcp', ports: [issuer.port || '443'] }],
            nodesOnly: false,
            logged: true,
          } as const,
        ]),
    ...(environment.hardening['network.denyEgress']
      ? [
          {
            name: 'deny-egress',
            priority: 60_000,
            direction: 'EGRESS',
            action: 'deny',
            why: 'everything else, so that a taken-over pod cannot call home; logged, so that the attempt is seen',
            ranges: ['0.0.0.0/0'],
            layer4: [{ protocol: 'all' }],
            nodesOnly: false,
            logged: true,
          } as const,
        ]
      : []),
  ];
  const ingress: FirewallRule[] = [
    {
      name: 'mqtt',
      priority: 2_000,
      direction: 'INGRESS',
      action: 'allow',
      why: 'devices: a pass-through load balancer keeps their address, and the port is that of the Service',
      ranges: ['0.0.0.0/0'],
      layer4: [{ protocol: 'tcp', ports: [String(ports.mqtt)] }],
      nodesOnly: true,
      // A line per device and connection, which the gateway writes already, with the device's name.
      logged: false,
    },
    {
      name: 'mqtt-probes',
      priority: 2_010,
      direction: 'INGRESS',
      action: 'allow',
      why: 'health of the nodes behind the pass-through load balancer',
      ranges: passThroughProbes,
      layer4: [{ protocol: 'tcp', ports: probePorts }],
      nodesOnly: true,
      logged: false,
    },
    ...(environment.domain === null
      ? []
      : [
          {
            name: 'est',
            priority: 2_005,
            direction: 'INGRESS',
            action: 'allow',
            why: 'devices that enrol by EST: a pass-through load balancer too, since they come with a certificate',
            ranges: ['0.0.0.0/0'],
            layer4: [{ protocol: 'tcp', ports: [String(ports.https)] }],
            nodesOnly: true,
            logged: true,
          } as const,
        ]),
    {
      name: 'https',
      priority: 2_020,
      direction: 'INGRESS',
      action: 'allow',
      why: 'proxies of the HTTPS load balancer reach pods directly, and probe their health',
      ranges: loadBalancers,
      layer4: [{ protocol: 'tcp', ports: [ports.api, ports.health].map(String) }],
      nodesOnly: true,
      logged: false,
    },
    {
      name: 'regional-https',
      priority: 2_030,
      direction: 'INGRESS',
      action: 'allow',
      why: 'proxies of regional load balancers, whose addresses are in our own subnet',
      ranges: [addresses.proxies],
      layer4: [{ protocol: 'tcp', ports: [ports.api, ports.health].map(String) }],
      nodesOnly: true,
      logged: false,
    },
    {
      name: 'deny-ingress',
      priority: 60_010,
      direction: 'INGRESS',
      action: 'deny',
      // The network denies it anyway, without a trace. GKE's own rules for nodes and pods are judged before this policy.
      why: 'everything else; logged, so that a scan from inside is seen',
      ranges: ['0.0.0.0/0'],
      layer4: [{ protocol: 'all' }],
      nodesOnly: false,
      logged: true,
    },
  ];
  return [...egress, ...ingress];
}
