import { describe, expect, test } from 'vitest';
import { judgeResource } from '../../../policies/framework/judge.ts';
import type { ResourcePolicy } from '../../../policies/framework/policy.ts';
import { gkePolicies } from '../../../policies/google-cloud/gke.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const on = 'gcp:container/cluster:Cluster';
const ipEndpoints = 'controlPlaneEndpointsConfig.ipEndpointsConfig.enabled';
const dns = 'controlPlaneEndpointsConfig.dnsEndpointConfig';
const networks = 'masterAuthorizedNetworksConfig';
const blocks = (...ranges: string[]) => ({ [`${networks}.cidrBlocks`]: ranges.map((cidrBlock) => ({ cidrBlock })) });
/** Reached by address, from a narrow network. */
const byAddress = { [ipEndpoints]: true, ...blocks('203.0.113.0/24') };

prove(gkePolicies, googleCloud.policies, [
  {
    policy: 'gke-private-endpoint',
    on,
    given: blocks('203.0.113.0/24'),
    at: ipEndpoints,
    broken: [{ value: true }, { set: { controlPlaneEndpointsConfig: undefined } }],
    fine: [{ set: { [ipEndpoints]: true, 'privateClusterConfig.enablePrivateEndpoint': true } }],
    absent: 'fires',
  },
  {
    policy: 'gke-authorized-networks',
    on,
    given: byAddress,
    at: networks,
    broken: [{ value: undefined }],
    fine: [{ set: { [ipEndpoints]: false, [networks]: undefined } }],
    absent: 'fires',
  },
  {
    policy: 'gke-authorized-networks-narrow',
    on,
    given: byAddress,
    at: `${networks}.cidrBlocks`,
    broken: [
      { set: blocks('0.0.0.0/0') },
      { set: blocks('203.0.113.7/32', '0.0.0.0/1') },
      { set: blocks('10.0.0.0/8') },
      { set: { [`${networks}.gcpPublicCidrsAccessEnabled`]: true } },
    ],
    fine: [{ set: { [ipEndpoints]: false, ...blocks('0.0.0.0/0') } }, { set: blocks('10.0.0.0/20') }],
    absent: 'passes',
  },
  {
    policy: 'gke-dns-endpoint-not-external',
    on,
    at: `${dns}.enableK8sTokensViaDns`,
    broken: [{ value: true }, { set: { [`${dns}.enableK8sCertsViaDns`]: true } }],
    fine: [{ set: { [`${dns}.allowExternalTraffic`]: false, [`${dns}.enableK8sTokensViaDns`]: true } }],
    absent: 'passes',
  },
  {
    policy: 'gke-vpc-native',
    on,
    given: {
      enableAutopilot: false,
      datapathProvider: 'ADVANCED_DATAPATH',
      'workloadIdentityConfig.workloadPool': 'p.svc.id.goog',
    },
    at: 'networkingMode',
    broken: [{ value: 'ROUTES' }, { set: { networkingMode: undefined, ipAllocationPolicy: undefined } }],
    fine: [{ value: undefined }, { set: { enableAutopilot: true, networkingMode: undefined } }],
    absent: 'passes',
  },
  {
    policy: 'gke-network-policy-enforced',
    on,
    given: {
      enableAutopilot: false,
      datapathProvider: 'ADVANCED_DATAPATH',
      'workloadIdentityConfig.workloadPool': 'p.svc.id.goog',
    },
    at: 'datapathProvider',
    broken: [{ value: 'LEGACY_DATAPATH' }],
    fine: [
      { set: { datapathProvider: undefined, enableAutopilot: true } },
      { set: { datapathProvider: undefined, 'networkPolicy.enabled': true } },
    ],
    absent: 'fires',
  },
  {
    policy: 'gke-workload-identity',
    on,
    given: {
      enableAutopilot: false,
      datapathProvider: 'ADVANCED_DATAPATH',
      'workloadIdentityConfig.workloadPool': 'p.svc.id.goog',
    },
    at: 'workloadIdentityConfig.workloadPool',
    broken: [{ value: '' }, { set: { workloadIdentityConfig: undefined } }],
    fine: [{ set: { enableAutopilot: true, workloadIdentityConfig: undefined } }],
    unknown: 'passes',
    absent: 'fires',
  },
  {
    policy: 'gke-secrets-cmek',
    on,
    at: 'databaseEncryption.state',
    broken: [{ value: 'DECRYPTED' }, { set: { 'databaseEncryption.keyName': '' } }],
    absent: 'fires',
  },
  {
    policy: 'gke-no-client-certificate',
    on,
    at: 'masterAuth.clientCertificateConfig.issueClientCertificate',
    broken: [{ value: true }],
    absent: 'passes',
  },
  { policy: 'gke-no-legacy-abac', on, at: 'enableLegacyAbac', broken: [{ value: true }], absent: 'passes' },
  {
    policy: 'gke-anonymous-auth-limited',
    on,
    at: 'anonymousAuthenticationConfig.mode',
    broken: [{ value: 'ENABLED' }],
    absent: 'fires',
  },
  {
    policy: 'gke-no-insecure-rbac-bindings',
    on,
    at: 'rbacBindingConfig.enableInsecureBindingSystemAuthenticated',
    broken: [{ value: true }, { set: { 'rbacBindingConfig.enableInsecureBindingSystemUnauthenticated': true } }],
    absent: 'fires',
  },
  { policy: 'gke-no-alpha', on, at: 'enableKubernetesAlpha', broken: [{ value: true }], absent: 'passes' },
  {
    policy: 'gke-release-channel',
    on,
    at: 'releaseChannel.channel',
    broken: [{ value: 'UNSPECIFIED' }],
    fine: [{ value: 'EXTENDED' }],
    absent: 'fires',
  },
  {
    policy: 'gke-logging-components',
    on,
    at: 'loggingConfig.enableComponents',
    broken: [{ value: ['SYSTEM_COMPONENTS'] }, { value: [] }, { set: { loggingService: 'none' } }],
    fine: [{ set: { loggingConfig: undefined } }],
    absent: 'fires',
  },
  {
    policy: 'gke-deletion-protection',
    on,
    at: 'deletionProtection',
    broken: [{ value: false }, { set: { deletionPolicy: 'ABANDON' } }],
    absent: 'passes',
  },
  {
    policy: 'gke-regional',
    on,
    at: 'location',
    broken: [{ value: 'europe-west1-b' }],
    fine: [{ value: 'northamerica-northeast1' }],
    absent: 'fires',
  },
  {
    policy: 'gke-no-service-external-ips',
    on,
    at: 'serviceExternalIpsConfig.enabled',
    broken: [{ value: true }],
    absent: 'passes',
  },
]);

describe('what a team may set', () => {
  const policyOf = (id: string) => gkePolicies.find((each) => each.id === id) as ResourcePolicy;
  const violations = (id: string, props: object, config: object) =>
    judgeResource(policyOf(id), fixture(on, props as Record<string, unknown>), config as Record<string, unknown>)
      ?.violations.length;

  test('access from outside by the DNS endpoint', () => {
    const open = { controlPlaneEndpointsConfig: { dnsEndpointConfig: { allowExternalTraffic: true } } };
    expect(violations('gke-dns-endpoint-not-external', open, {})).toBe(0);
    expect(violations('gke-dns-endpoint-not-external', open, { externalTraffic: false })).toBe(1);
    expect(violations('gke-dns-endpoint-not-external', {}, { externalTraffic: false })).toBe(0);
  });

  test('the widest network', () => {
    const wide = { masterAuthorizedNetworksConfig: { cidrBlocks: [{ cidrBlock: '10.0.0.0/16' }] } };
    expect(violations('gke-authorized-networks-narrow', wide, {})).toBe(1);
    expect(violations('gke-authorized-networks-narrow', wide, { widestPrefix: 16 })).toBe(0);
  });
});
