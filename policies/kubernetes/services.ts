import { type Answer, all, any, no, not, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import type { Resource } from '../framework/stack.ts';

const service = 'kubernetes:core/v1:Service';
const ingresses = /^kubernetes:(networking\.k8s\.io|extensions)\/v\w+:Ingress$/;
const gateways = /^kubernetes:gateway\.networking\.k8s\.io\/v\w+:Gateway$/;
const routes = /^kubernetes:gateway\.networking\.k8s\.io\/v\w+:HTTPRoute$/;
const networkPolicies = /^kubernetes:(networking\.k8s\.io|extensions)\/v\w+:NetworkPolicy$/;
const everywhere = ['0.0.0.0/0', '::/0'];

export const servicePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-service-no-nodeport',
    description: 'No service opens a port on every node: it is reached by a load balancer or inside the cluster.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set the type to ClusterIP, or put a load balancer or Gateway in front.',
    url: 'https://kubernetes.io/docs/concepts/services-networking/service/',
    references: {},
    types: [service],
    judge: ({ at }) => at('spec.type').isNot('NodePort'),
  }),

  resourcePolicy({
    id: 'k8s-service-no-external-ips',
    description: 'No service takes addresses by externalIPs: it draws the traffic of any address to itself.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Remove spec.externalIPs and reserve an address for a load balancer.',
    url: 'https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips',
    references: { trivy: ['KSV-0108'] },
    types: [service],
    judge: ({ at }) => at('spec.externalIPs').every((address) => not(address.exists(), address.path)),
  }),

  resourcePolicy({
    id: 'k8s-load-balancer-exposure',
    description: 'A load balancer that the world reaches opens ports of TLS alone, or only to named sources.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Make it internal, limit spec.loadBalancerSourceRanges, or serve TLS on a port of the setting "externalPorts".',
    url: 'https://docs.cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters',
    references: {},
    settings: {
      externalPorts: { default: ['443', '8883'], description: 'Ports that a service may open to the world' },
    },
    types: [service],
    judge: ({ at, settings: { externalPorts } }) =>
      when(isExternal(at), () =>
        any([
          at('spec.ports').every((port) => port.at('port').test((number) => externalPorts.includes(String(number)))),
          all([
            at('spec.loadBalancerSourceRanges').isFilled(),
            at('spec.loadBalancerSourceRanges').every((range) => range.isNot(...everywhere)),
          ]),
        ]),
      ),
  }),

  resourcePolicy({
    id: 'k8s-ingress-tls',
    description: 'An Ingress has a certificate and answers nothing in the clear.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set spec.tls or a certificate annotation, and kubernetes.io/ingress.allow-http to "false".',
    url: 'https://docs.cloud.google.com/kubernetes-engine/docs/concepts/ingress-xlb',
    references: { 'cis-gke': ['5.6.7'] },
    types: ingresses,
    judge: ({ at }) => {
      const annotation = (name: string) => at('metadata.annotations').key(name);
      return all([
        any([
          at('spec.tls').isFilled(),
          annotation('networking.gke.io/managed-certificates').isFilled(),
          annotation('ingress.gcp.kubernetes.io/pre-shared-cert').isFilled(),
        ]),
        annotation('kubernetes.io/ingress.allow-http').is('false'),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-ingress-hosts',
    description: 'An Ingress names its hosts: an empty or starred one takes requests for names of others.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set the host of every rule to a whole name.',
    url: 'https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards',
    references: {},
    types: ingresses,
    judge: ({ at }) => at('spec.rules').every((rule) => rule.at('host').matches(/^[^*]+$/)),
  }),

  stackPolicy({
    id: 'k8s-gateway-tls',
    description: 'A Gateway listens by TLS; a listener without it leads only to routes that redirect to https.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set the protocol of the listener to HTTPS or TLS, or bind only routes that redirect to https to it.',
    url: 'https://docs.cloud.google.com/kubernetes-engine/docs/how-to/secure-gateway',
    references: { 'cis-gke': ['5.6.7'] },
    judge: (stack) =>
      stack.ofType(gateways).map((gateway) => ({
        urn: gateway.urn,
        answer: gateway
          .at('spec.listeners')
          .every((listener) =>
            any([
              listener.at('protocol').is('HTTPS', 'TLS'),
              all([
                listener.at('protocol').is('HTTP'),
                all(
                  stack
                    .ofType(routes)
                    .map((route) =>
                      when(isBound(route, gateway, listener), () => blamed(redirects(route), listener.path)),
                    ),
                ),
              ]),
            ]),
          ),
      })),
  }),

  resourcePolicy({
    id: 'k8s-networkpolicy-not-allow-all',
    description: 'A network policy says who: none lets in every pod of the cluster, or the world on every port.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Name the peers of each rule; to reach the whole internet except 169.254.169.254/32, and let it in by port alone.',
    url: 'https://kubernetes.io/docs/concepts/services-networking/network-policies/',
    references: { trivy: ['KSV-0038'] },
    types: networkPolicies,
    judge: ({ at }) =>
      all([
        at('spec.ingress').every((rule) =>
          all([rule.at('from').isFilled(), rule.at('from').every((peer) => isNarrow(peer, rule))]),
        ),
        at('spec.egress').every((rule) => all([rule.at('to').isFilled(), rule.at('to').every(isNarrowTarget)])),
      ]),
  }),
];

/** The world reaches it: a load balancer that neither annotation nor class makes internal. */
function isExternal(at: (path: string) => Reading): Answer {
  const annotations = at('metadata.annotations');
  return all([
    at('spec.type').is('LoadBalancer'),
    not(
      any([
        annotations.key('networking.gke.io/load-balancer-type').is('Internal'),
        annotations.key('cloud.google.com/load-balancer-type').is('Internal'),
        at('spec.loadBalancerClass').is('networking.gke.io/l4-regional-internal'),
      ]),
      'spec.type',
    ),
  ]);
}

/** A parent without a section is every listener. */
const isBound = (route: Resource, gateway: Resource, listener: Reading): Answer =>
  route
    .at('spec.parentRefs')
    .some((parent) =>
      all([
        sameText(parent.at('name'), gateway.at('metadata.name')),
        any([parent.at('sectionName').isAbsent(), sameText(parent.at('sectionName'), listener.at('name'))]),
      ]),
    );

const sameText = (one: Reading, other: Reading): Answer =>
  other.state === 'known' ? one.is(other.value) : other.exists();

const redirects = (route: Resource): Answer =>
  route
    .at('spec.rules')
    .every((rule) => rule.at('filters').some((filter) => filter.at('requestRedirect.scheme').is('https')));

/** The finding is about the Gateway, so that its path is the one to name. */
const blamed = (given: Answer, path: string): Answer => (given.is === 'no' ? no(path) : given);

const isNarrowPods = (peer: Reading): Answer =>
  any([
    peer.at('namespaceSelector').isAbsent(),
    peer.at('namespaceSelector').isFilled(),
    peer.at('podSelector').isFilled(),
  ]);

/** The world may come in by a port: a gateway's. */
const isNarrow = (peer: Reading, rule: Reading): Answer =>
  all([
    isNarrowPods(peer),
    when(
      peer
        .at('ipBlock.cidr')
        .orElse('')
        .is(...everywhere),
      () => rule.at('ports').isFilled(),
    ),
  ]);

/** https://docs.cloud.google.com/kubernetes-engine/docs/how-to/protecting-cluster-metadata */
const isNarrowTarget = (peer: Reading): Answer =>
  all([
    isNarrowPods(peer),
    when(peer.at('ipBlock.cidr').orElse('').is('0.0.0.0/0'), () =>
      peer.at('ipBlock.except').some((range) => range.is('169.254.169.254/32', '169.254.0.0/16')),
    ),
  ]);
