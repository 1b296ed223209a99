import { type Answer, all, any, no, when, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy, type Subject } from '../framework/policy.ts';
import { isWorld, rangeOf } from './cidr.ts';

const cluster = ['gcp:container/cluster:Cluster'];

type Asked = Pick<Subject, 'at'>;

/** With the control plane's IP endpoints off, nobody reaches it by address: authorised networks have nothing to say. */
const ipEndpointsOff = ({ at }: Asked): Answer => at('controlPlaneEndpointsConfig.ipEndpointsConfig.enabled').is(false);

/** The control plane and what the whole cluster decides; machines are in `gke-nodes.ts`. */
export const gkePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'gke-private-endpoint',
    description: "A cluster's control plane has no public address: it is reached by its DNS name with an identity.",
    severity: 'high',
    level: 'mandatory',
    tiers: ['prod', 'staging'],
    remediation:
      'Set controlPlaneEndpointsConfig.ipEndpointsConfig.enabled to false, or privateClusterConfig.enablePrivateEndpoint to true.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/network-isolation',
    references: { 'cis-gke': ['5.6.4'], checkov: ['CKV_GCP_18'], trivy: ['GCP-0053'] },
    types: cluster,
    judge: (subject) =>
      any([ipEndpointsOff(subject), subject.at('privateClusterConfig.enablePrivateEndpoint').is(true)]),
  }),
  resourcePolicy({
    id: 'gke-authorized-networks',
    description:
      'Where a control plane has an address, only named networks reach it. With its IP endpoints off there is none, and the rule does not apply.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Set masterAuthorizedNetworksConfig, or turn controlPlaneEndpointsConfig.ipEndpointsConfig.enabled off.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/authorized-networks',
    references: { 'cis-gke': ['5.6.3'], checkov: ['CKV_GCP_20'], trivy: ['GCP-0061'] },
    types: cluster,
    judge: (subject) => any([ipEndpointsOff(subject), subject.at('masterAuthorizedNetworksConfig').exists()]),
  }),
  resourcePolicy({
    id: 'gke-authorized-networks-narrow',
    description:
      'The networks that may reach a control plane are few and narrow, and all of Google Cloud is not among them.',
    severity: 'critical',
    level: 'mandatory',
    remediation:
      'Name narrower ranges in masterAuthorizedNetworksConfig.cidrBlocks, and set gcpPublicCidrsAccessEnabled to false.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/authorized-networks',
    references: { 'cis-gke': ['5.6.3'], checkov: ['CKV_GCP_18'], trivy: ['GCP-0053'] },
    types: cluster,
    settings: { widestPrefix: { default: 20, description: 'shortest IPv4 prefix that may be authorised' } },
    judge: (subject) => {
      const networks = subject.at('masterAuthorizedNetworksConfig');
      return any([
        ipEndpointsOff(subject),
        all([
          when(networks.exists(), () => networks.at('gcpPublicCidrsAccessEnabled').isNot(true)),
          networks.at('cidrBlocks').every((block) =>
            block.at('cidrBlock').test((text) => {
              const range = rangeOf(text);
              return range !== null && !isWorld([text]) && range.prefix >= subject.settings.widestPrefix;
            }),
          ),
        ]),
      ]);
    },
  }),
  resourcePolicy({
    id: 'gke-dns-endpoint-not-external',
    description:
      'A control plane is reached from outside of the VPC only where that is decided, and then with an IAM identity alone: no tokens or certificates of the cluster.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Set dnsEndpointConfig.enableK8sTokensViaDns and enableK8sCertsViaDns to false; set allowExternalTraffic to false, or this policy’s externalTraffic to true where IAM guards it.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/network-isolation#dns-based_endpoint',
    references: { 'cis-gke': ['5.6.4'] },
    types: cluster,
    settings: {
      externalTraffic: {
        default: true,
        description: 'whether the DNS endpoint may be reached from outside of the VPC, by IAM identities',
      },
    },
    judge: ({ at, settings }) => {
      const dns = at('controlPlaneEndpointsConfig.dnsEndpointConfig');
      return all([
        settings.externalTraffic ? yes : dns.at('allowExternalTraffic').isNot(true),
        // Defaults of the API for both are false.
        when(dns.at('allowExternalTraffic').is(true), () =>
          all([dns.at('enableK8sTokensViaDns').isNot(true), dns.at('enableK8sCertsViaDns').isNot(true)]),
        ),
      ]);
    },
  }),
  resourcePolicy({
    id: 'gke-vpc-native',
    description: 'Pods have addresses of the VPC, so that firewalls and flow logs see them.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set networkingMode to VPC_NATIVE with an ipAllocationPolicy.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips',
    references: { 'cis-gke': ['5.6.2'], checkov: ['CKV_GCP_23'], trivy: ['GCP-0049'] },
    types: cluster,
    judge: ({ at }) =>
      any([
        at('enableAutopilot').is(true),
        at('networkingMode').is('VPC_NATIVE'),
        all([at('networkingMode').isAbsent(), at('ipAllocationPolicy').exists()]),
      ]),
  }),
  resourcePolicy({
    id: 'gke-network-policy-enforced',
    description: 'Network policies of Kubernetes are enforced: by Dataplane V2, by Autopilot or by the older add-on.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set datapathProvider to ADVANCED_DATAPATH.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/dataplane-v2',
    references: { 'cis-gke': ['4.3.1'], checkov: ['CKV_GCP_12'], trivy: ['GCP-0056'] },
    types: cluster,
    judge: ({ at }) =>
      any([
        at('enableAutopilot').is(true),
        at('datapathProvider').is('ADVANCED_DATAPATH'),
        at('networkPolicy.enabled').is(true),
      ]),
  }),
  resourcePolicy({
    id: 'gke-workload-identity',
    description: 'Pods act with identities of their own instead of the identity of their node.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set workloadIdentityConfig.workloadPool to PROJECT.svc.id.goog.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity',
    references: { 'cis-gke': ['5.2.2'], checkov: ['CKV_GCP_69'] },
    types: cluster,
    // Autopilot always has it.
    judge: ({ at }) => any([at('enableAutopilot').is(true), at('workloadIdentityConfig.workloadPool').isFilled()]),
  }),
  resourcePolicy({
    id: 'gke-secrets-cmek',
    description: "A cluster's secrets are encrypted with a key of the project's own, on top of Google's.",
    severity: 'high',
    level: 'mandatory',
    tiers: ['prod', 'staging'],
    remediation: 'Set databaseEncryption.state to ENCRYPTED and keyName to a Cloud KMS key.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/encrypting-secrets',
    references: { 'cis-gke': ['5.3.1'] },
    types: cluster,
    judge: ({ at }) =>
      all([at('databaseEncryption.state').is('ENCRYPTED'), at('databaseEncryption.keyName').isFilled()]),
  }),
  resourcePolicy({
    id: 'gke-no-client-certificate',
    description: 'A cluster issues no client certificate: it cannot be revoked.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set masterAuth.clientCertificateConfig.issueClientCertificate to false.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster',
    references: { 'cis-gke': ['5.8.1'], checkov: ['CKV_GCP_13'], trivy: ['GCP-0064'] },
    types: cluster,
    // Off unless asked for, since 1.12.
    judge: ({ at }) => at('masterAuth.clientCertificateConfig.issueClientCertificate').isNot(true),
  }),
  resourcePolicy({
    id: 'gke-no-legacy-abac',
    description: 'Rights inside of a cluster come from RBAC alone; the older file of attributes overrides it.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set enableLegacyAbac to false, or leave it out.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster',
    references: { 'cis-gke': ['5.8.3'], checkov: ['CKV_GCP_7'], trivy: ['GCP-0062'] },
    types: cluster,
    judge: ({ at }) => at('enableLegacyAbac').isNot(true),
  }),
  resourcePolicy({
    id: 'gke-anonymous-auth-limited',
    description: 'Requests without an identity get the health checks of the control plane and nothing else.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set anonymousAuthenticationConfig.mode to LIMITED.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster',
    references: { 'cis-gke': ['4.1.8'] },
    types: cluster,
    judge: ({ at }) => at('anonymousAuthenticationConfig.mode').is('LIMITED'),
  }),
  resourcePolicy({
    id: 'gke-no-insecure-rbac-bindings',
    description: 'No role can be bound to everybody, or to everybody with a Google account.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set rbacBindingConfig.enableInsecureBindingSystemAuthenticated and …SystemUnauthenticated to false.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/best-practices/rbac',
    references: { 'cis-gke': ['4.1.9', '4.1.10'] },
    types: cluster,
    judge: ({ at }) =>
      all([
        at('rbacBindingConfig.enableInsecureBindingSystemAuthenticated').is(false),
        at('rbacBindingConfig.enableInsecureBindingSystemUnauthenticated').is(false),
      ]),
  }),
  resourcePolicy({
    id: 'gke-no-alpha',
    description: 'No alpha cluster: it has no support, no upgrades, and is deleted after 30 days.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set enableKubernetesAlpha to false, or leave it out.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/alpha-clusters',
    references: { 'cis-gke': ['5.10.2'], checkov: ['CKV2_GCP_19'] },
    types: cluster,
    judge: ({ at }) => at('enableKubernetesAlpha').isNot(true),
  }),
  resourcePolicy({
    id: 'gke-release-channel',
    description: 'A cluster is kept up to date by a release channel.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set releaseChannel.channel to REGULAR, STABLE, RAPID or EXTENDED.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/release-channels',
    references: { 'cis-gke': ['5.5.4'], checkov: ['CKV_GCP_70'] },
    types: cluster,
    judge: ({ at }) => at('releaseChannel.channel').is('REGULAR', 'STABLE', 'RAPID', 'EXTENDED'),
  }),
  resourcePolicy({
    id: 'gke-logging-components',
    description: 'A cluster logs what its system and its workloads do.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'List SYSTEM_COMPONENTS and WORKLOADS in loggingConfig.enableComponents.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/about-logs',
    references: { 'cis-gke': ['5.7.1'], checkov: ['CKV_GCP_1'], trivy: ['GCP-0060'] },
    types: cluster,
    judge: ({ at }) =>
      all([
        at('loggingService').isNot('none'),
        // Both are on where nothing is said.
        any([
          at('loggingConfig').isAbsent(),
          at('loggingConfig.enableComponents').includes('SYSTEM_COMPONENTS', 'WORKLOADS'),
        ]),
      ]),
  }),
  resourcePolicy({
    id: 'gke-deletion-protection',
    description: 'A production cluster cannot be deleted by a wrong destroy, nor be forgotten while it runs.',
    severity: 'medium',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Leave deletionProtection on, and set no deletionPolicy ABANDON.',
    url: 'https://www.pulumi.com/registry/packages/gcp/api-docs/container/cluster/',
    references: {},
    types: cluster,
    judge: ({ at }) => all([at('deletionProtection').isNot(false), at('deletionPolicy').isNot('ABANDON')]),
  }),
  resourcePolicy({
    id: 'gke-regional',
    description: 'The control plane of a production cluster outlives the loss of a zone.',
    severity: 'medium',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Set location to a region, as europe-west1.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/regional-clusters',
    references: {},
    types: cluster,
    judge: ({ at }) => {
      const location = at('location');
      // The provider's own zone or region holds where none is given: nobody can tell which.
      return location.state === 'absent' ? no('location') : location.matches(/^[a-z]+-[a-z]+\d+$/);
    },
  }),
  resourcePolicy({
    id: 'gke-no-service-external-ips',
    description: 'A Service cannot claim addresses of its own choice: that redirects traffic of others.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set serviceExternalIpsConfig.enabled to false, or leave it out.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster',
    references: { trivy: ['KSV-0108'] },
    types: cluster,
    judge: ({ at }) => at('serviceExternalIpsConfig.enabled').isNot(true),
  }),
];
