import { type Answer, all, answer, any, no, when, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy, type Subject } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';

const pool = 'gcp:container/nodePool:NodePool';
const both = ['gcp:container/cluster:Cluster', pool];

/**
 * Asks about the machines of a pool, or of the pools that stand inside of a cluster. Autopilot makes its own machines,
 * and a default pool that is removed at once runs nothing.
 */
export function machines({ type, at }: Pick<Subject, 'type' | 'at'>, question: (config: Reading) => Answer): Answer {
  if (type === pool) return question(at('nodeConfig'));
  return any([
    at('enableAutopilot').is(true),
    all([
      any([at('removeDefaultNodePool').is(true), at('nodePools').isFilled(), question(at('nodeConfig'))]),
      at('nodePools').every((each) => question(each.at('nodeConfig'))),
    ]),
  ]);
}

export const own = (account: Reading): Answer =>
  all([account.isFilled(), account.state === 'known' ? account.matches(/^(?!.*-compute@developer\.|default$)/) : yes]);

/** Machines of clusters. */
export const gkeNodePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'gke-private-nodes',
    description: 'Nodes have no public addresses.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Set privateClusterConfig.enablePrivateNodes on the cluster, networkConfig.enablePrivateNodes on a pool.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/network-isolation',
    references: { 'cis-gke': ['5.6.5'], checkov: ['CKV_GCP_25', 'CKV_GCP_64'], trivy: ['GCP-0059'] },
    types: both,
    // A pool that says nothing follows its cluster, where this rule is asked as well.
    judge: ({ type, at }) =>
      type === pool
        ? at('networkConfig.enablePrivateNodes').isNot(false)
        : at('privateClusterConfig.enablePrivateNodes').is(true),
  }),
  resourcePolicy({
    id: 'gke-metadata-server',
    description: 'Pods see the metadata of their own identity, never the tokens of their node.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set nodeConfig.workloadMetadataConfig.mode to GKE_METADATA.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#metadata_server',
    references: { 'cis-gke': ['5.4.1'], checkov: ['CKV_GCP_69'], trivy: ['GCP-0057'] },
    types: both,
    judge: (subject) => machines(subject, (config) => config.at('workloadMetadataConfig.mode').is('GKE_METADATA')),
  }),
  resourcePolicy({
    id: 'gke-no-legacy-metadata',
    description: 'The metadata endpoints from before the header against forged requests are off.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set nodeConfig.metadata to { "disable-legacy-endpoints": "true" }, or leave it out.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/protecting-cluster-metadata',
    references: { trivy: ['GCP-0048'] },
    types: both,
    // Since 1.12 the API sets it on machines whose metadata says nothing of it.
    judge: (subject) =>
      machines(subject, (config) =>
        config.at('metadata').key('disable-legacy-endpoints').orElse('true').is('true', true),
      ),
  }),
  resourcePolicy({
    id: 'gke-node-custom-service-account',
    description: 'Nodes run as an account of their own: the default account of Compute Engine may edit the project.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Set nodeConfig.serviceAccount (Autopilot: clusterAutoscaling.autoProvisioningDefaults.serviceAccount) to an account with roles/container.defaultNodeServiceAccount.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa',
    references: { 'cis-gke': ['5.2.1'], checkov: ['CKV2_GCP_1'], trivy: ['GCP-0050'] },
    types: both,
    judge: (subject) =>
      all([
        machines(subject, (config) => own(config.at('serviceAccount'))),
        when(answer(subject.type !== pool), () =>
          when(subject.at('enableAutopilot').is(true), () =>
            own(subject.at('clusterAutoscaling.autoProvisioningDefaults.serviceAccount')),
          ),
        ),
      ]),
  }),
  resourcePolicy({
    id: 'gke-shielded-nodes',
    description: 'A node proves to the control plane that it is a machine of the cluster.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set enableShieldedNodes to true, or leave it out.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes',
    references: { 'cis-gke': ['5.5.5'], checkov: ['CKV_GCP_71'], trivy: ['GCP-0055'] },
    types: ['gcp:container/cluster:Cluster'],
    judge: ({ at }) => at('enableShieldedNodes').isNot(false),
  }),
  resourcePolicy({
    id: 'gke-node-secure-boot',
    description: 'A node starts signed boot components only.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set nodeConfig.shieldedInstanceConfig.enableSecureBoot to true.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes#secure_boot',
    references: { 'cis-gke': ['5.5.7'], checkov: ['CKV_GCP_68'] },
    types: both,
    judge: (subject) => machines(subject, (config) => config.at('shieldedInstanceConfig.enableSecureBoot').is(true)),
  }),
  resourcePolicy({
    id: 'gke-node-integrity-monitoring',
    description: 'A node’s boot is measured and compared.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring to true, or leave it out.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes#integrity_monitoring',
    references: { 'cis-gke': ['5.5.6'], checkov: ['CKV_GCP_72'] },
    types: both,
    judge: (subject) =>
      machines(subject, (config) => config.at('shieldedInstanceConfig.enableIntegrityMonitoring').isNot(false)),
  }),
  resourcePolicy({
    id: 'gke-node-image',
    description:
      'Nodes run Container-Optimized OS with containerd: a read-only root and nothing that containers do not need.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Set nodeConfig.imageType to COS_CONTAINERD.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/node-images',
    references: { 'cis-gke': ['5.5.1'], checkov: ['CKV_GCP_22'], trivy: ['GCP-0054'] },
    types: both,
    // COS_CONTAINERD is what a pool without image gets.
    judge: (subject) =>
      machines(subject, (config) =>
        config.at('imageType').orElse('COS_CONTAINERD').is('COS_CONTAINERD', 'cos_containerd'),
      ),
  }),
  resourcePolicy({
    id: 'gke-node-repair-and-upgrade',
    description: 'Nodes are repaired and kept up to date by the service.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Set management.autoRepair and management.autoUpgrade to true.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/node-auto-upgrades',
    references: {
      'cis-gke': ['5.5.2', '5.5.3'],
      checkov: ['CKV_GCP_9', 'CKV_GCP_10'],
      trivy: ['GCP-0063', 'GCP-0058'],
    },
    types: [pool],
    judge: ({ at }) => all([at('management.autoRepair').is(true), at('management.autoUpgrade').is(true)]),
  }),
  resourcePolicy({
    id: 'gke-kubelet-readonly-port-off',
    description: 'The port of the kubelet that answers anybody without a token (10255) is closed.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Set insecureKubeletReadonlyPortEnabled to FALSE: kubeletConfig of a pool, nodePoolDefaults or nodePoolAutoConfig of a cluster.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/disable-kubelet-readonly-port',
    references: { trivy: ['KCV-0082'], checkov: ['CKV_K8S_141'] },
    types: both,
    judge: ({ type, at }) => {
      const off = (path: string) => at(`${path}.insecureKubeletReadonlyPortEnabled`).is('FALSE');
      return type === pool
        ? off('nodeConfig.kubeletConfig')
        : any([off('nodePoolAutoConfig.nodeKubeletConfig'), off('nodePoolDefaults.nodeConfigDefaults')]);
    },
  }),
  resourcePolicy({
    id: 'gke-no-net-admin',
    description: 'No workload of an Autopilot cluster may change the network of its node or run privileged.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Leave allowNetAdmin out, and autopilotPrivilegedAdmissions empty.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-security',
    references: {},
    types: ['gcp:container/cluster:Cluster'],
    judge: ({ at }) =>
      all([at('allowNetAdmin').isNot(true), at('autopilotPrivilegedAdmissions').every((each) => no(each.path))]),
  }),
];
