import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet } from '../../../policies/framework/testing.ts';
import { networkPolicies } from '../../../policies/google-cloud/network.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { adding, edit, without } from '../platform/changes.ts';
import { prove } from '../support/prove.ts';

const subnet = { type: 'gcp:compute/subnetwork:Subnetwork', name: 'network-nodes' };
const zone = { type: 'gcp:dns/managedZone:ManagedZone', name: 'edge-dns-zone' };
const custom = (...customFeatures: string[]) => ({ set: { profile: 'CUSTOM', customFeatures } });

prove(networkPolicies, googleCloud.policies, [
  {
    policy: 'net-custom-mode',
    on: 'gcp:compute/network:Network',
    at: 'autoCreateSubnetworks',
    broken: [{ value: true }],
    absent: 'fires',
  },
  {
    policy: 'net-no-default-network',
    on: 'gcp:container/cluster:Cluster',
    at: 'network',
    broken: [{ value: 'default' }, { value: 'projects/p/global/networks/default' }],
    fine: [{ value: 'not-default' }, { value: 'projects/default/global/networks/own' }],
    absent: 'fires',
  },
  {
    policy: 'net-subnet-flow-logs',
    on: subnet,
    at: 'logConfig',
    broken: [{ value: undefined }],
    fine: [{ set: { logConfig: undefined, purpose: 'REGIONAL_MANAGED_PROXY' } }],
    absent: 'fires',
  },
  {
    policy: 'net-subnet-private-google-access',
    on: subnet,
    at: 'privateIpGoogleAccess',
    broken: [
      { value: false },
      { set: { stackType: 'IPV4_IPV6' } },
      { set: { stackType: 'IPV6_ONLY', privateIpv6GoogleAccess: 'DISABLE_GOOGLE_ACCESS' } },
    ],
    fine: [
      { set: { privateIpGoogleAccess: false, purpose: 'REGIONAL_MANAGED_PROXY' } },
      { set: { stackType: 'IPV4_IPV6', privateIpv6GoogleAccess: 'ENABLE_OUTBOUND_VM_ACCESS_TO_GOOGLE' } },
    ],
    absent: 'fires',
  },
  {
    policy: 'net-subnet-no-external-ipv6',
    on: subnet,
    at: 'ipv6AccessType',
    broken: [{ value: 'EXTERNAL' }],
    fine: [{ value: 'INTERNAL' }],
    absent: 'passes',
  },
  {
    policy: 'nat-logging',
    on: 'gcp:compute/routerNat:RouterNat',
    at: 'logConfig.enable',
    broken: [{ value: false }],
    absent: 'fires',
  },
  {
    policy: 'nat-subnets-listed',
    on: 'gcp:compute/routerNat:RouterNat',
    at: 'sourceSubnetworkIpRangesToNat',
    broken: [{ value: 'ALL_SUBNETWORKS_ALL_IP_RANGES' }],
    absent: 'fires',
  },
  {
    policy: 'dns-query-logging',
    on: logging(),
    broken: {
      'no policy': without('gcp:dns/policy:Policy'),
      'a policy that logs nothing': edit('gcp:dns/policy:Policy', '', { enableLogging: false }),
      'a policy of another network': edit('gcp:dns/policy:Policy', '', {
        networks: [{ networkUrl: 'networks/other' }],
      }),
    },
    unknown: edit('gcp:dns/policy:Policy', '', { enableLogging: notKnownYet }),
    absent: edit('gcp:dns/policy:Policy', '', { enableLogging: undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'tls-ssl-policy',
    on: 'gcp:compute/sSLPolicy:SSLPolicy',
    at: 'minTlsVersion',
    broken: [
      { value: 'TLS_1_0' },
      { value: 'TLS_1_1' },
      { set: { profile: 'COMPATIBLE' } },
      { set: { profile: undefined } },
      custom('TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_RSA_WITH_3DES_EDE_CBC_SHA'),
      custom(),
    ],
    fine: [{ set: { profile: 'RESTRICTED' } }, custom('TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256')],
    absent: 'fires',
  },
  {
    policy: 'dns-dnssec',
    on: zone,
    at: 'dnssecConfig.state',
    broken: [
      { value: 'off' },
      { value: 'transfer' },
      { set: { visibility: undefined, dnssecConfig: undefined } },
      { set: { 'dnssecConfig.defaultKeySpecs': [{ algorithm: 'rsasha256' }, { algorithm: 'rsasha1' }] } },
    ],
    fine: [{ set: { visibility: 'private', dnssecConfig: undefined } }],
    absent: 'fires',
  },
]);

/** The blueprint with a policy for its network's names, which it does not have. */
function logging() {
  const policy = { enableLogging: true, networks: [{ networkUrl: 'projects/p/global/networks/prod' }] };
  return (resources: readonly RawResource[]) => adding('gcp:dns/policy:Policy', policy)([...resources]);
}
