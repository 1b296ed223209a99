import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet } from '../../../policies/framework/testing.ts';
import { loadBalancingPolicies } from '../../../policies/google-cloud/load-balancing.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { adding, both, type Change, edit } from '../platform/changes.ts';
import { fixture, prove } from '../support/prove.ts';

const forwarding = 'gcp:compute/globalForwardingRule:GlobalForwardingRule';
const proxyType = 'gcp:compute/targetHttpProxy:TargetHttpProxy';
const mapType = 'gcp:compute/uRLMap:URLMap';
const urn = (type: string) => `urn:pulumi:test::test::${type}::fixture`;
const toHttps = { defaultUrlRedirect: { httpsRedirect: true, stripQuery: false } };

/** A forwarding rule on an HTTP proxy, as a preview has them: only what flows is known. */
const http =
  (map: object): Change =>
  (resources: RawResource[]) => [
    ...resources,
    fixture(mapType, { name: 'map', ...map }),
    fixture(proxyType, { name: 'proxy', urlMap: notKnownYet }, { propertyDependencies: { urlMap: [urn(mapType)] } }),
    fixture(
      forwarding,
      { target: notKnownYet, portRange: '80', loadBalancingScheme: 'EXTERNAL_MANAGED' },
      { propertyDependencies: { target: [urn(proxyType)] } },
    ),
  ];
const rule = (props: object) => adding(forwarding, { loadBalancingScheme: 'EXTERNAL', ...props });
const armor = 'compute/securityPolicy:';
const backend = (type: string, props: object) =>
  fixture(type, { logConfig: { enable: true }, securityPolicy: 'armor', ...props });
const global = 'gcp:compute/backendService:BackendService';
const regional = 'gcp:compute/regionBackendService:RegionBackendService';

prove(loadBalancingPolicies, googleCloud.policies, [
  {
    policy: 'lb-no-http',
    broken: {
      'a map that serves': http({ defaultService: 'backend' }),
      'a redirect beside a service': http({ ...toHttps, pathMatchers: [{ defaultService: 'backend' }] }),
      'one path that serves': http({ ...toHttps, pathMatchers: [{ ...toHttps, pathRules: [{ service: 'backend' }] }] }),
      'a proxy of somebody else': rule({ target: 'projects/p/global/targetHttpProxies/other', portRange: '80' }),
      'MQTT in the clear, passed through': rule({ portRange: '1883' }),
      'a range with HTTP in it': rule({ portRange: '1-1024' }),
      'every port': rule({ allPorts: true }),
      'a list of ports': adding('gcp:compute/forwardingRule:ForwardingRule', { ports: ['443', '80'] }),
    },
    fine: {
      'sends to HTTPS': http(toHttps),
      'sends every path to HTTPS': http({
        ...toHttps,
        pathMatchers: [{ ...toHttps, pathRules: [{ urlRedirect: { httpsRedirect: true } }] }],
      }),
      'an inner one': rule({ loadBalancingScheme: 'INTERNAL', portRange: '80' }),
      'a port of TLS': rule({ portRange: '8883' }),
      'Private Service Connect': rule({ loadBalancingScheme: '', target: 'projects/p/regions/r/serviceAttachments/a' }),
    },
    unknown: rule({ portRange: notKnownYet }),
    absent: rule({ portRange: undefined }),
    absentIs: 'passes',
  },
  {
    policy: 'lb-backend-logging',
    on: backend(global, { loadBalancingScheme: 'EXTERNAL_MANAGED' }),
    at: 'logConfig.enable',
    broken: [
      { value: false },
      { set: { securityPolicy: undefined } },
      { set: { loadBalancingScheme: undefined, logConfig: undefined } },
    ],
    fine: [
      { set: { loadBalancingScheme: 'INTERNAL_MANAGED', logConfig: undefined } },
      { resource: fixture(regional, {}) },
    ],
    absent: 'fires',
  },
  {
    policy: 'armor-preconfigured-rules',
    broken: {
      'none of them': edit(armor, '', { rules: [] }),
      'one missing': edit(armor, '', { 'rules[0].action': 'allow' }),
      'one only watches': edit(armor, '', { 'rules[1].preview': true }),
    },
    fine: {
      'rules apart': both(
        edit(armor, '', { rules: undefined }),
        ...['sqli', 'xss', 'rce'].map((name) =>
          adding(
            'gcp:compute/securityPolicyRule:SecurityPolicyRule',
            {
              securityPolicy: 'prod-api',
              action: 'deny(403)',
              match: { expr: { expression: `evaluatePreconfiguredWaf('${name}-v33-stable')` } },
            },
            { name, urn: `urn:${name}` },
          ),
        ),
      ),
      'a policy of the edge': edit(armor, '', { type: 'CLOUD_ARMOR_EDGE', rules: [] }),
    },
    unknown: edit(armor, '', { 'rules[0].match.expr.expression': notKnownYet }),
    absent: edit(armor, '', { rules: undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'cert-managed',
    on: 'gcp:certificatemanager/certificate:Certificate',
    at: 'managed',
    broken: [
      { set: { managed: undefined, selfManaged: { pemCertificate: 'x' } } },
      { resource: fixture('gcp:compute/sSLCertificate:SSLCertificate', { certificate: 'x' }) },
    ],
    fine: [
      {
        resource: fixture('gcp:compute/managedSslCertificate:ManagedSslCertificate', { managed: { domains: ['a.b'] } }),
      },
    ],
    absent: 'fires',
  },
]);
