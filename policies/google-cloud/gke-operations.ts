import { all, any } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';

const cluster = ['gcp:container/cluster:Cluster'];

/** How a cluster is watched, kept and entered by people. */
export const gkeOperationsPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'gke-monitoring-components',
    description: 'A cluster measures its system, and Managed Prometheus collects from its pods.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'List SYSTEM_COMPONENTS in monitoringConfig.enableComponents, and leave managedPrometheus.enabled on.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/configure-metrics',
    references: { 'cis-gke': ['5.7.1'], checkov: ['CKV_GCP_8'], trivy: ['GCP-0052'] },
    types: cluster,
    judge: ({ at }) =>
      all([
        at('monitoringService').isNot('none'),
        // Both are on where nothing is said.
        any([
          at('monitoringConfig.enableComponents').isAbsent(),
          at('monitoringConfig.enableComponents').includes('SYSTEM_COMPONENTS'),
        ]),
        at('monitoringConfig.managedPrometheus.enabled').isNot(false),
      ]),
  }),
  resourcePolicy({
    id: 'gke-security-posture',
    description: 'GKE looks at what runs in the cluster and reports weak configurations.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Set securityPostureConfig.mode to BASIC, or leave it out.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/about-security-posture-dashboard',
    references: { 'cis-gke': ['5.10.4'] },
    types: cluster,
    judge: ({ at }) => at('securityPostureConfig.mode').isNot('DISABLED'),
  }),
  resourcePolicy({
    id: 'gke-binary-authorization',
    description: 'The cluster admits images by the policy of the project: an image of somebody else does not start.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Set binaryAuthorization.evaluationMode to PROJECT_SINGLETON_POLICY_ENFORCE.',
    url: 'https://cloud.google.com/binary-authorization/docs/overview',
    references: { 'cis-gke': ['4.5.1'], checkov: ['CKV_GCP_66'] },
    types: cluster,
    judge: ({ at }) => at('binaryAuthorization.evaluationMode').matches(/PROJECT_SINGLETON_POLICY_ENFORCE$/),
  }),
  resourcePolicy({
    id: 'gke-rbac-google-groups',
    description:
      'Rights inside of the cluster can be bound to groups of the organisation, so that leaving one ends them.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set authenticatorGroupsConfig.securityGroup to gke-security-groups@DOMAIN.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/google-groups-rbac',
    references: { 'cis-gke': ['5.8.2'], checkov: ['CKV_GCP_65'] },
    types: cluster,
    // GKE takes this name alone.
    judge: ({ at }) => at('authenticatorGroupsConfig.securityGroup').matches(/^gke-security-groups@/),
  }),
  resourcePolicy({
    id: 'gke-maintenance-window',
    description: 'Upgrades come at an hour that somebody chose; without one GKE takes any.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set maintenancePolicy.recurringWindow or dailyMaintenanceWindow; exclusions alone are no window.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions',
    references: {},
    types: cluster,
    judge: ({ at }) =>
      any([at('maintenancePolicy.recurringWindow').exists(), at('maintenancePolicy.dailyMaintenanceWindow').exists()]),
  }),
  resourcePolicy({
    id: 'gke-intranode-visibility',
    description: 'Flow logs and firewalls see what pods of one node say to each other.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set enableIntranodeVisibility to true.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/intranode-visibility',
    references: { 'cis-gke': ['5.6.1'], checkov: ['CKV_GCP_61'] },
    types: cluster,
    // Autopilot always has it: https://cloud.google.com/kubernetes-engine/docs/resources/autopilot-standard-feature-comparison
    judge: ({ at }) => any([at('enableAutopilot').is(true), at('enableIntranodeVisibility').is(true)]),
  }),
  resourcePolicy({
    id: 'gke-default-pool-removed',
    description:
      'Pools of nodes are resources of their own: one inside of the cluster cannot change without replacing the cluster.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Set removeDefaultNodePool to true and make pools with gcp.container.NodePool, or use Autopilot.',
    url: 'https://www.pulumi.com/registry/packages/gcp/api-docs/container/cluster/',
    references: { checkov: ['CKV_GCP_123'] },
    types: cluster,
    judge: ({ at }) =>
      any([
        at('enableAutopilot').is(true),
        all([
          at('removeDefaultNodePool').is(true),
          at('nodePools').test((pools) => Array.isArray(pools) && pools.length === 0),
        ]),
        all([at('removeDefaultNodePool').is(true), at('nodePools').isAbsent()]),
      ]),
  }),
];
