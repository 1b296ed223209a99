import { notKnownYet } from '../../../policies/framework/testing.ts';
import { edgePolicies } from '../../../policies/platform/edge.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { edit, without } from './changes.ts';

const service = 'core/v1:Service';
const address = 'workloads-edge-address';
const api = 'workloads-api-service';
const deployment = 'apps/v1:Deployment';
const pod = 'spec.template.spec';

prove(edgePolicies, platform.policies, [
  {
    policy: 'stack-device-service-tls-only',
    broken: {
      'MQTT in the clear': edit(service, address, { 'spec.ports[0].port': 1883 }),
      'one plain port beside the other': edit(service, address, { 'spec.ports[1]': { port: 9090 } }),
      UDP: edit(service, address, { 'spec.ports[0].protocol': 'UDP' }),
      'a second load balancer': edit(service, api, { 'spec.type': 'LoadBalancer' }),
      'nobody behind it': edit(service, address, { 'spec.selector': { app: 'nobody' } }),
      'no certificate': edit(deployment, 'edge-gateway', { [`${pod}.volumes`]: [{ name: 'tls', emptyDir: {} }] }),
      'a certificate that nobody keeps': edit(deployment, 'edge-gateway', { [`${pod}.initContainers`]: undefined }),
    },
    fine: {
      'an internal load balancer by class': edit(service, api, {
        'spec.type': 'LoadBalancer',
        'spec.loadBalancerClass': 'networking.gke.io/l4-regional-internal',
      }),
      'an internal load balancer by annotation': edit(service, api, {
        'spec.type': 'LoadBalancer',
        'metadata.annotations': { 'networking.gke.io/load-balancer-type': 'Internal' },
      }),
      'a certificate from a Secret in a projected volume': edit(deployment, 'edge-gateway', {
        [`${pod}.volumes`]: [{ name: 'tls', projected: { sources: [{ secret: { name: 'tls' } }] } }],
      }),
      'a certificate from a Secret': edit(deployment, 'edge-gateway', {
        [`${pod}.volumes`]: [{ name: 'tls', secret: { secretName: 'tls' } }],
      }),
    },
    along: ['stack-service-selects-pods'],
    unknown: edit(service, address, { 'spec.ports[0].port': notKnownYet }),
    absent: edit(service, address, { 'spec.type': undefined }),
    absentIs: 'passes',
  },
  {
    policy: 'stack-plain-listener-redirects',
    broken: {
      'a backend on the plain listener': edit('HTTPRoute', 'route-api', { 'spec.parentRefs[0].sectionName': 'http' }),
      'a backend on every listener': edit('HTTPRoute', 'route-api', { 'spec.parentRefs[0].sectionName': undefined }),
      'no redirect': without('HTTPRoute', 'to-https'),
      'a redirect to where it came from': edit('HTTPRoute', 'to-https', {
        'spec.rules[0].filters[0].requestRedirect.scheme': 'http',
      }),
      'plain TCP': edit('v1:Gateway', 'routes-gateway', {
        'spec.listeners[0].protocol': 'TCP',
      }),
    },
    unknown: edit('HTTPRoute', 'route-api', { 'spec.parentRefs[0].sectionName': notKnownYet }),
    absent: edit('v1:Gateway', 'routes-gateway', { 'spec.listeners': undefined }),
    absentIs: 'passes',
  },
]);
