import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet, withValue } from '../../../policies/framework/testing.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { servicePolicies } from '../../../policies/kubernetes/services.ts';
import { fixture, prove } from '../support/prove.ts';

const service = { type: 'kubernetes:core/v1:Service', name: 'api-service' };
const loadBalancer = { type: 'kubernetes:core/v1:Service', name: 'edge-address' };
const policy = { type: 'kubernetes:networking.k8s.io/v1:NetworkPolicy', name: 'gateway-network' };
const ingress = fixture('kubernetes:networking.k8s.io/v1:Ingress', {
  metadata: { name: 'i', namespace: 'n', annotations: { 'kubernetes.io/ingress.allow-http': 'false' } },
  spec: { tls: [{ secretName: 'certificate' }], rules: [{ host: 'api.example.com' }] },
});
const annotated = (name: string, value: string) => ({ set: { 'metadata.annotations': { [name]: value } } });
const gatewayType = 'kubernetes:gateway.networking.k8s.io/v1:Gateway';
const routeType = 'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute';
const changed = (type: string, name: string, path: string, value: unknown) => (resources: RawResource[]) =>
  resources.map((each) =>
    each.type === type && each.name.includes(name) ? { ...each, props: withValue(each.props, path, value) } : each,
  );

prove(servicePolicies, kubernetes.policies, [
  {
    policy: 'k8s-service-no-nodeport',
    on: service,
    at: 'spec.type',
    broken: [{ value: 'NodePort' }],
    fine: [{ value: 'ClusterIP' }, { value: 'ExternalName' }],
    absent: 'passes',
  },
  {
    policy: 'k8s-service-no-external-ips',
    on: service,
    at: 'spec.externalIPs',
    broken: [{ value: ['203.0.113.9'] }],
    fine: [{ value: [] }],
    absent: 'passes',
  },
  {
    policy: 'k8s-load-balancer-exposure',
    on: loadBalancer,
    at: 'spec.ports',
    broken: [
      { value: [{ port: 1883 }] },
      { value: [{ port: 8883 }, { port: 9090 }] },
      { set: { 'spec.ports': [{ port: 80 }], 'spec.loadBalancerSourceRanges': ['0.0.0.0/0'] } },
      { set: { 'spec.ports': [{ port: 80 }], 'spec.loadBalancerSourceRanges': [] } },
    ],
    fine: [
      { value: [{ port: 443 }] },
      { set: { 'spec.ports': [{ port: 80 }], 'spec.loadBalancerSourceRanges': ['192.0.2.0/24'] } },
      { set: { 'spec.ports': [{ port: 80 }], 'spec.loadBalancerClass': 'networking.gke.io/l4-regional-internal' } },
      {
        set: {
          'spec.ports': [{ port: 80 }],
          'metadata.annotations': { 'networking.gke.io/load-balancer-type': 'Internal' },
        },
      },
      { set: { 'spec.ports': [{ port: 80 }], 'spec.type': 'ClusterIP' } },
    ],
    absent: 'passes',
  },
  {
    policy: 'k8s-ingress-tls',
    on: ingress,
    at: 'spec.tls',
    broken: [
      { value: [] },
      annotated('kubernetes.io/ingress.allow-http', 'true'),
      { set: { 'metadata.annotations': undefined } },
    ],
    fine: [
      {
        set: {
          'spec.tls': undefined,
          'metadata.annotations': {
            'kubernetes.io/ingress.allow-http': 'false',
            'networking.gke.io/managed-certificates': 'api',
          },
        },
      },
    ],
    unknown: 'passes',
    absent: 'fires',
  },
  {
    policy: 'k8s-ingress-hosts',
    on: ingress,
    at: 'spec.rules[0].host',
    broken: [{ value: '' }, { value: '*.example.com' }],
    absent: 'fires',
  },
  {
    policy: 'k8s-gateway-tls',
    broken: {
      'no TLS on the listener of the API': changed(gatewayType, '', 'spec.listeners[0].protocol', 'HTTP'),
      'a route that answers in the clear': changed(routeType, 'to-https', 'spec.rules[0].filters', undefined),
      'a redirect that stays in the clear': changed(
        routeType,
        'to-https',
        'spec.rules[0].filters[0].requestRedirect.scheme',
        'http',
      ),
      'a route of every listener': changed(routeType, 'route-api', 'spec.parentRefs[0].sectionName', undefined),
      'a protocol that is neither': changed(gatewayType, '', 'spec.listeners[1].protocol', 'TCP'),
    },
    fine: {
      'TLS that goes through': changed(gatewayType, '', 'spec.listeners[0].protocol', 'TLS'),
      'a route of another gateway': changed(routeType, 'route-api', 'spec.parentRefs', [{ name: 'other' }]),
    },
    unknown: changed(gatewayType, '', 'spec.listeners[0].protocol', notKnownYet),
    absent: changed(gatewayType, '', 'spec.listeners', undefined),
    absentIs: 'passes',
  },
  {
    policy: 'k8s-networkpolicy-not-allow-all',
    on: policy,
    at: 'spec.ingress',
    broken: [
      { value: [{}] },
      { value: [{ from: [] }] },
      { value: [{ from: [{ namespaceSelector: {} }] }] },
      { value: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] },
      { set: { 'spec.egress': [{ ports: [{ port: 443 }] }] } },
      { set: { 'spec.egress': [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] } },
    ],
    fine: [
      { value: [] },
      { value: [{ from: [{ podSelector: {} }] }] },
      { value: [{ from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'a' } } }] }] },
      { set: { 'spec.egress': [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }] }] } },
    ],
    absent: 'passes',
  },
]);
