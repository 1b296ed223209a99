import { all, answer, any, when } from '../framework/answer.ts';
import { type Finding, type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import { named, some } from '../framework/relations.ts';

const subnet = ['gcp:compute/subnetwork:Subnetwork'];
/** Ranges that Google's proxies and services use; the API takes no flow logs for them. */
const proxyOnly = ['REGIONAL_MANAGED_PROXY', 'GLOBAL_MANAGED_PROXY', 'INTERNAL_HTTPS_LOAD_BALANCER', 'PRIVATE_NAT'];

/** Networks, subnets, names and TLS at the edge. */
export const networkPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'net-custom-mode',
    description: 'A network has the subnets that somebody planned, not one in each region of the world.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set autoCreateSubnetworks to false.',
    url: 'https://cloud.google.com/vpc/docs/vpc#subnet-ranges',
    references: { 'cis-gcp-4': ['3.1'], 'cis-gcp-5': ['3.2'], checkov: ['CKV2_GCP_2'] },
    types: ['gcp:compute/network:Network'],
    judge: ({ at }) => at('autoCreateSubnetworks').is(false),
  }),
  resourcePolicy({
    id: 'net-no-default-network',
    description: 'Nothing runs in the default network: its firewall lets SSH, RDP and every neighbour in.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Name a network of your own; for a project, set autoCreateNetwork to false.',
    url: 'https://cloud.google.com/vpc/docs/vpc#default-network',
    references: {
      'cis-gcp-4': ['3.1'],
      'cis-gcp-5': ['3.1'],
      checkov: ['CKV_GCP_27', 'CKV2_GCP_18'],
      trivy: ['GCP-0010'],
    },
    types: [
      'gcp:container/cluster:Cluster',
      'gcp:organizations/project:Project',
      'gcp:compute/firewall:Firewall',
      'gcp:compute/subnetwork:Subnetwork',
      'gcp:compute/router:Router',
      'gcp:redis/instance:Instance',
    ],
    judge: ({ type, at }) => {
      if (type === 'gcp:organizations/project:Project') return at('autoCreateNetwork').is(false);
      const network = at(type === 'gcp:redis/instance:Instance' ? 'authorizedNetwork' : 'network');
      return network.orElse('default').matches(/^(?!(.*\/)?default$)/);
    },
  }),
  resourcePolicy({
    id: 'net-subnet-flow-logs',
    description: 'Flows in a subnet are logged, so that after an intrusion somebody can tell who talked to whom.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set logConfig with an aggregation interval and a sampling rate.',
    url: 'https://cloud.google.com/vpc/docs/using-flow-logs',
    references: {
      'cis-gcp-4': ['3.8'],
      'cis-gcp-5': ['3.10'],
      'cis-gke': ['5.6.1'],
      checkov: ['CKV_GCP_26'],
      trivy: ['GCP-0029', 'GCP-0076'],
    },
    types: subnet,
    judge: ({ at }) => any([at('logConfig').exists(), at('purpose').is(...proxyOnly)]),
    remedy: () => ({
      logConfig: { aggregationInterval: 'INTERVAL_5_MIN', flowSampling: 0.1, metadata: 'INCLUDE_ALL_METADATA' },
    }),
  }),
  resourcePolicy({
    id: 'net-subnet-private-google-access',
    description: 'Machines without public addresses reach Google’s APIs, so that none needs a public address.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Set privateIpGoogleAccess to true, and with IPv6 privateIpv6GoogleAccess to ENABLE_….',
    url: 'https://cloud.google.com/vpc/docs/private-google-access',
    references: { 'cis-gcp-5': ['3.9'], checkov: ['CKV_GCP_74', 'CKV_GCP_76'], trivy: ['GCP-0075'] },
    types: subnet,
    judge: ({ at }) =>
      any([
        at('purpose').is(...proxyOnly),
        all([
          any([at('privateIpGoogleAccess').is(true), at('stackType').is('IPV6_ONLY')]),
          when(at('stackType').is('IPV4_IPV6', 'IPV6_ONLY'), () =>
            at('privateIpv6GoogleAccess').is(
              'ENABLE_OUTBOUND_VM_ACCESS_TO_GOOGLE',
              'ENABLE_BIDIRECTIONAL_ACCESS_TO_GOOGLE',
            ),
          ),
        ]),
      ]),
  }),
  resourcePolicy({
    id: 'net-subnet-no-external-ipv6',
    description: 'Machines of a subnet get no IPv6 addresses of the internet.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set ipv6AccessType to INTERNAL, or stackType to IPV4_ONLY.',
    url: 'https://cloud.google.com/vpc/docs/subnets#ipv6-ranges',
    references: {},
    types: subnet,
    judge: ({ at }) => at('ipv6AccessType').isNot('EXTERNAL'),
  }),
  resourcePolicy({
    id: 'nat-logging',
    description: 'Connections that leave through NAT, or fail to for want of ports, are logged.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set logConfig.enable to true.',
    url: 'https://cloud.google.com/nat/docs/monitoring',
    references: {},
    types: ['gcp:compute/routerNat:RouterNat'],
    judge: ({ at }) => at('logConfig.enable').is(true),
  }),
  resourcePolicy({
    id: 'nat-subnets-listed',
    description: 'NAT is for named subnets: one that is added later has no way to the internet until somebody says so.',
    severity: 'low',
    level: 'advisory',
    tiers: ['prod'],
    remediation: 'Set sourceSubnetworkIpRangesToNat to LIST_OF_SUBNETWORKS and name them.',
    url: 'https://cloud.google.com/nat/docs/nat-product-interactions#specify-subnet-ranges',
    references: {},
    types: ['gcp:compute/routerNat:RouterNat'],
    judge: ({ at }) => at('sourceSubnetworkIpRangesToNat').is('LIST_OF_SUBNETWORKS'),
  }),
  resourcePolicy({
    id: 'tls-ssl-policy',
    description: 'A load balancer speaks TLS 1.2 or newer, with ciphers that nobody has broken.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set minTlsVersion to TLS_1_2 and profile to MODERN or RESTRICTED.',
    url: 'https://cloud.google.com/load-balancing/docs/ssl-policies-concepts',
    references: { 'cis-gcp-4': ['3.9'], 'cis-gcp-5': ['3.11'], checkov: ['CKV_GCP_4'], trivy: ['GCP-0039'] },
    types: ['gcp:compute/sSLPolicy:SSLPolicy', 'gcp:compute/regionSslPolicy:RegionSslPolicy'],
    judge: ({ at }) =>
      all([
        // TLS_1_0 and COMPATIBLE where nothing is said.
        at('minTlsVersion').is('TLS_1_2', 'TLS_1_3'),
        any([
          at('profile').is('MODERN', 'RESTRICTED', 'FIPS_202205'),
          all([
            at('profile').is('CUSTOM'),
            at('customFeatures').isFilled(),
            at('customFeatures').every((each) =>
              each.matches(/^TLS_(AES|CHACHA20|ECDHE_(ECDSA|RSA)_WITH_(AES_\d+_GCM|CHACHA20))/),
            ),
          ]),
        ]),
      ]),
  }),
  stackPolicy({
    id: 'dns-query-logging',
    description: 'Names that machines of a network ask for are logged: a call home begins with one.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Add a gcp.dns.Policy with enableLogging true that lists the network.',
    url: 'https://cloud.google.com/dns/docs/monitoring',
    references: { 'cis-gcp-4': ['2.12'], 'cis-gcp-5': ['2.13'] },
    judge: (stack) =>
      stack.ofType('gcp:compute/network:Network').map(
        (network): Finding => ({
          urn: network.urn,
          answer: named(
            some(stack.ofType('gcp:dns/policy:Policy'), (policy) =>
              all([
                policy.at('enableLogging').is(true),
                any([
                  answer(
                    policy.sourcesOf('networks').some(({ urn }) => urn === network.urn),
                    'networks',
                  ),
                  policy
                    .at('networks')
                    .some((each) =>
                      each.at('networkUrl').test((url) => String(url).split('/').at(-1) === network.at('name').value),
                    ),
                ]),
              ]),
            ),
            'no dns.Policy logs its queries',
          ),
        }),
      ),
  }),
  resourcePolicy({
    id: 'dns-dnssec',
    description: 'Answers of a public zone are signed, with an algorithm that still holds.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set dnssecConfig.state to on, and no key algorithm rsasha1.',
    url: 'https://cloud.google.com/dns/docs/dnssec',
    references: {
      'cis-gcp-4': ['3.3', '3.4', '3.5'],
      'cis-gcp-5': ['3.3', '3.4', '3.5'],
      checkov: ['CKV_GCP_16', 'CKV_GCP_17'],
      trivy: ['GCP-0012', 'GCP-0013'],
    },
    types: ['gcp:dns/managedZone:ManagedZone'],
    judge: ({ at }) =>
      when(at('visibility').orElse('public').isNot('private'), () =>
        all([
          at('dnssecConfig.state').is('on'),
          at('dnssecConfig.defaultKeySpecs').every((key) => key.at('algorithm').isNot('rsasha1')),
        ]),
      ),
  }),
];
