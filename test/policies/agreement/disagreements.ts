import type { Pair } from './compare.ts';

/**
 * Where checkov and a policy of ours say different things of one resource, and why that is right. One that no resource
 * needs any more fails the test.
 */
export type Disagreement = {
  readonly checks: readonly string[];
  /**
   * `checkov`: only checkov takes it for a violation; `policy`: only we do; `elsewhere`: checkov asks another resource
   * than we do; `silent`: checkov says nothing about resources as they are rendered here.
   */
  readonly only: 'checkov' | 'policy' | 'elsewhere' | 'silent';
  /** Of the change that the resource went through; any, if not given. */
  readonly change?: RegExp;
  readonly why: string;
};

const flags = (why: string) => ({ change: /settings|databaseFlags/, why });
const folders = ['CKV_GCP_44', 'CKV_GCP_45', 'CKV_GCP_115', 'CKV_GCP_116'];
const rights = ['CKV_K8S_155', 'CKV_K8S_156', 'CKV_K8S_157', 'CKV_K8S_158'];
const firewalls = ['CKV_GCP_2', 'CKV_GCP_3', 'CKV_GCP_75', 'CKV_GCP_77', 'CKV_GCP_88', 'CKV_GCP_106', 'CKV2_GCP_12'];

export const disagreements: readonly Disagreement[] = [
  // GKE
  {
    checks: ['CKV_GCP_12'],
    only: 'checkov',
    why: 'Dataplane V2 and Autopilot enforce network policies; checkov knows the Calico add-on alone, which excludes them.',
  },
  {
    checks: ['CKV_GCP_20'],
    only: 'checkov',
    why: 'Without IP endpoints there is no address that a network could reach; the DNS endpoint takes IAM identities alone.',
  },
  {
    checks: ['CKV_GCP_69'],
    only: 'checkov',
    why: 'Autopilot always has the metadata server, and so have the pools of a cluster without a default pool: they are asked.',
  },
  {
    checks: ['CKV_GCP_69'],
    only: 'policy',
    change: /^no workloadIdentityConfig/,
    why: 'The mode of a node does nothing in a cluster without a pool of identities.',
  },
  {
    checks: ['CKV_GCP_1'],
    only: 'policy',
    change: /loggingConfig/,
    why: 'checkov looks at the older loggingService alone; the components say what is logged.',
  },
  {
    checks: ['CKV_GCP_13'],
    only: 'checkov',
    change: /^no masterAuth/,
    why: 'No cluster since 1.12 gets a client certificate unless it asks for one.',
  },
  {
    checks: ['CKV_GCP_18'],
    only: 'policy',
    change: /controlPlaneEndpointsConfig|privateClusterConfig|masterAuthorizedNetworksConfig/,
    why: 'checkov looks for 0.0.0.0/0 among the networks, and passes a cluster that has no list: open to all.',
  },
  {
    checks: ['CKV_GCP_23'],
    only: 'checkov',
    change: /^no ipAllocationPolicy$/,
    why: 'networkingMode VPC_NATIVE is enough: GKE then chooses the ranges.',
  },
  {
    checks: ['CKV_GCP_25', 'CKV_GCP_64'],
    only: 'policy',
    change: /enablePrivateNodes/,
    why: 'checkov asks whether the block is there, not whether nodes are private.',
  },
  {
    checks: ['CKV_GCP_68', 'CKV_GCP_72'],
    only: 'checkov',
    change: /nodeConfig\.shieldedInstanceConfig/,
    why: 'A default pool that is removed runs nothing; integrity monitoring is on where nothing is said.',
  },
  {
    checks: ['CKV_GCP_70'],
    only: 'policy',
    change: /UNSPECIFIED/,
    why: 'A channel that is not specified is none.',
  },
  {
    checks: ['CKV_GCP_61'],
    only: 'checkov',
    why: 'Dataplane V2, which Autopilot has, sees the traffic between the pods of a node; its flag is for the older one.',
  },
  {
    checks: ['CKV_GCP_123'],
    only: 'policy',
    change: /removeDefaultNodePool|enableAutopilot/,
    why: 'A default pool that stays is a pool inside of the cluster as well.',
  },
  {
    checks: ['CKV_GCP_8'],
    only: 'policy',
    change: /managedPrometheus/,
    why: 'The alerts of a workload need the metrics that managed Prometheus gathers.',
  },
  {
    checks: ['CKV_GCP_22'],
    only: 'silent',
    why: 'checkov asks nodes before 1.24 alone.',
  },
  // Cloud SQL
  {
    checks: ['CKV_GCP_6'],
    only: 'checkov',
    change: /"ENCRYPTED_ONLY"$/,
    why: 'ENCRYPTED_ONLY refuses what is not TLS; whether clients need a certificate is another question.',
  },
  {
    checks: ['CKV_GCP_51'],
    only: 'checkov',
    ...flags('log_checkpoints is on by default since Postgres 15.'),
  },
  { checks: ['CKV_GCP_109'], only: 'checkov', ...flags('The default is error, which is what the check asks for.') },
  { checks: ['CKV_GCP_56'], only: 'policy', ...flags('The default is -1: no temporary file is logged.') },
  { checks: ['CKV_GCP_55'], only: 'policy', change: /"fatal"$/, why: 'fatal hides every error of a statement.' },
  {
    checks: ['CKV_GCP_60'],
    only: 'policy',
    change: /^no settings/,
    why: 'The API gives an instance a public address unless ipv4Enabled is false.',
  },
  {
    checks: ['CKV2_GCP_20'],
    only: 'policy',
    change: /settings/,
    why: 'checkov asks MySQL alone; Postgres has point-in-time recovery too.',
  },
  {
    checks: ['CKV2_GCP_7'],
    only: 'elsewhere',
    why: 'checkov asks the instance of MySQL, the policy each user of a database.',
  },
  {
    checks: ['CKV_GCP_79'],
    only: 'checkov',
    change: /databaseVersion/,
    why: 'checkov asks for the newest major version, the policy for one that is still mended.',
  },
  // Labels
  {
    checks: ['CKV_GCP_21'],
    only: 'elsewhere',
    why: 'checkov asks each cluster, the policies the provider whose default labels reach it, and what those do not reach.',
  },
  // IAM
  {
    checks: folders,
    only: 'policy',
    why: 'A stack of an application grants nothing on a folder or an organisation, whatever the role.',
  },
  {
    checks: ['CKV_GCP_125'],
    only: 'checkov',
    why: 'The condition pins repository or owner by their own claims; checkov reads a condition on the subject alone.',
  },
  // Network
  {
    checks: firewalls,
    only: 'policy',
    change: /::\/0|"protocol":"all"|\[\{"protocol":"tcp"\}\]|0-65535|ports$|0\.0\.0\.0\/1|1-1024|20-25/,
    why: 'IPv6, a protocol without ports, a world cut in two and a range of ports that holds this one open it as well.',
  },
  {
    checks: ['CKV2_GCP_2'],
    only: 'elsewhere',
    why: 'checkov asks the project, the policy the network.',
  },
  {
    checks: ['CKV2_GCP_18'],
    only: 'elsewhere',
    why: 'checkov wants a firewall rule beside each network; here a network firewall policy denies by default.',
  },
  // Storage and keys
  {
    checks: ['CKV_GCP_78'],
    only: 'checkov',
    change: /versioning/,
    why: 'What is deleted can be had back for seven days without versions: soft delete is on by default.',
  },
  { checks: ['CKV2_GCP_6'], only: 'elsewhere', why: 'checkov asks the key, the policy whoever grants its use.' },
  {
    checks: ['CKV_GCP_82'],
    only: 'silent',
    why: 'Protection is an option of the resource, which is no input: a plan does not have it.',
  },
  {
    checks: ['CKV2_GCP_8'],
    only: 'silent',
    why: 'checkov starts at a key ring and follows references; a plan of ours has texts.',
  },
  {
    checks: ['CKV_GCP_100', 'CKV_GCP_113'],
    only: 'silent',
    why: 'Types that no program here renders: tables of BigQuery, and policies that are data.',
  },
  {
    checks: ['CKV2_GCP_1', 'CKV2_GCP_3', 'CKV2_GCP_11'],
    only: 'silent',
    why: 'checkov asks types that stand for the lack of something else: default accounts, keys of accounts, a list of services.',
  },
  // Kubernetes
  {
    checks: ['CKV_K8S_68', 'CKV_K8S_141'],
    only: 'elsewhere',
    why: 'checkov reads the command line of a pod that is an API server or a kubelet; on GKE nobody has such a pod.',
  },
  {
    checks: ['CKV_K8S_8', 'CKV_K8S_9'],
    only: 'policy',
    change: /initContainers/,
    why: 'A sidecar lives as long as the pod, and is asked like the other containers.',
  },
  {
    checks: ['CKV_K8S_10', 'CKV_K8S_12'],
    only: 'checkov',
    change: /^no .*requests\.(cpu|memory)$/,
    why: 'A limit alone is its own request.',
  },
  {
    checks: ['CKV_K8S_21'],
    only: 'policy',
    change: /"kube-system"/,
    why: 'The namespaces of the cluster itself are no more for workloads than default is.',
  },
  {
    checks: ['CKV_K8S_23'],
    only: 'policy',
    change: /runAsNonRoot/,
    why: 'The Pod Security Standards ask for runAsNonRoot, whatever the user; checkov is content with a user.',
  },
  {
    checks: ['CKV_K8S_25', 'CKV_K8S_28', 'CKV_K8S_37', 'CKV_K8S_39'],
    only: 'policy',
    change: /\["all"\]/,
    why: 'Admission of the Pod Security Standards takes ALL in capitals alone.',
  },
  {
    checks: ['CKV_K8S_25'],
    only: 'checkov',
    change: /NET_BIND_SERVICE/,
    why: 'The restricted profile allows this one capability.',
  },
  {
    checks: ['CKV_K8S_27'],
    only: 'policy',
    change: /hostPath/,
    why: "checkov refuses the runtime's socket alone; every path of the node is too much.",
  },
  {
    checks: ['CKV_K8S_31'],
    only: 'policy',
    change: /Unconfined/,
    why: 'What a container says goes before what its pod says.',
  },
  {
    checks: ['CKV_K8S_40'],
    only: 'policy',
    change: /runAsGroup/,
    why: 'The policy is about the group too: without one it is that of the image, mostly root.',
  },
  {
    checks: rights,
    only: 'policy',
    change: /^rules/,
    why: 'One policy for every right that leads to more; checkov has these four.',
  },
  {
    checks: ['CKV2_K8S_1', 'CKV2_K8S_2', 'CKV2_K8S_3', 'CKV2_K8S_4', 'CKV2_K8S_5'],
    only: 'elsewhere',
    why: 'checkov asks the binding and follows it to its role; the policy asks the role, bound or not.',
  },
];

/** Which listing explains a disagreement. */
export const explains = ({ checks, only, change }: Disagreement, pair: Pair): boolean =>
  checks.includes(pair.check) && only === kindOf(pair) && (change?.test(pair.change) ?? true);

/** `null`: both say the same. */
export function kindOf({ theirs, ours }: Pair): Disagreement['only'] | null {
  if (ours === 'elsewhere') return 'elsewhere';
  if (ours === theirs) return null;
  return theirs === 'fails' ? 'checkov' : 'policy';
}
