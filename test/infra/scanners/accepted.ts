/** A finding of a scanner that is right to leave as it is. One that no scanner reports any more fails the test. */
export type Accepted = {
  scanner: 'checkov' | 'kube-score';
  check: string;
  /** Of the resource, as the scanner names it: `google_container_cluster.cluster-cluster`, `Deployment/apps/v1/iot-dev/api`. */
  resource: RegExp;
  /** Only in these tiers; all, if not given. */
  tiers?: readonly string[];
  why: string;
};

const cluster = /^google_container_cluster\.cluster-cluster$/;
const databases = /^google_sql_database_instance\.database-(core|shard-\d+)-instance$/;
const perimeter =
  'Encrypted at rest with keys that Google keeps. A key of ours would be one more way to lose everything at once, and adds';

export const accepted: readonly Accepted[] = [
  {
    scanner: 'checkov',
    check: 'CKV2_GCP_13',
    resource: databases,
    why: 'log_duration writes a line for every statement, thousands a second here. log_min_duration_statement writes the slow ones, Query Insights the rest.',
  },
  {
    scanner: 'checkov',
    check: 'CKV2_GCP_18',
    resource: /^google_compute_network\.network-vpc$/,
    why: 'The network has a global network firewall policy that denies by default; the check knows only the older firewall rules.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_108',
    resource: databases,
    why: 'log_hostname asks DNS for each connection. Connections come by Private Service Connect, and IAM names who they are.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_12',
    resource: cluster,
    why: 'Dataplane V2 enforces network policies itself; the check looks for the Calico add-on, which excludes it.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_14',
    resource: databases,
    tiers: ['ephemeral'],
    why: 'An ephemeral environment holds nothing that anybody would restore, and has to end without a rest.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_20',
    resource: cluster,
    why: 'The control plane has no IP endpoint to restrict: only the DNS endpoint, where IAM decides.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_21',
    resource: cluster,
    why: 'Labels come from the provider’s default labels, which are no input of the cluster (a test looks for them there).',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_42',
    resource: /^google_project_iam_member\.(project-container-tag-holds|deployer-.*)$/,
    why: 'The GKE service agent holds tags on the cluster by this role; the deployer of CI makes and destroys an environment, and is pinned to a repository and branch.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_49',
    resource: /^google_project_iam_member\.deployer-iam\.serviceAccountAdmin$/,
    why: 'The deployer makes the service accounts of an environment and their bindings; it may act as none of them by this role.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_125',
    resource: /^google_iam_workload_identity_pool_provider\.deployer-github$/,
    why: 'The condition pins repository and branch by their own claims; the check reads only a condition on the subject.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_61',
    resource: cluster,
    why: 'Flow logs are on the subnet; intranode visibility is part of Dataplane V2.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_62',
    resource: /^google_storage_bucket\.messaging-archive-bucket$/,
    why: 'Cloud Audit Logs have who read which object. The older access logs need a second bucket, for which the check would ask the same.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_65',
    resource: cluster,
    why: 'Groups in RBAC need a Google Workspace domain. Administrators come in by IAM, groups included.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_69',
    resource: cluster,
    why: 'Autopilot always has the metadata server; the input exists for Standard node pools, and there it is set.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_73',
    resource: /^google_compute_security_policy\.edge-https-firewall$/,
    why: 'The check reads one spelling of the rule; no service of the platform runs on a JVM.',
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_83',
    resource: /^google_pubsub_topic\.messaging-/,
    why: `${perimeter} the latency of KMS to every batch of the ingest path.`,
  },
  {
    scanner: 'checkov',
    check: 'CKV_GCP_84',
    resource: /^google_artifact_registry_repository\.images-repository$/,
    why: `${perimeter} nothing for images that can be built again from the commit.`,
  },
  {
    scanner: 'kube-score',
    check: 'container-image-pull-policy',
    resource: /^(CronJob|Deployment|Job)\//,
    why: 'Images are given by digest: what is on the node is what the registry has.',
  },
  {
    scanner: 'kube-score',
    check: 'deployment-has-host-podantiaffinity',
    resource: /^Deployment\//,
    why: 'Pods are spread by topology constraints over zones and hosts, which also hold while the number of pods changes.',
  },
  {
    scanner: 'kube-score',
    check: 'horizontalpodautoscaler-replicas',
    resource: /^HorizontalPodAutoscaler\//,
    tiers: ['ephemeral', 'dev'],
    why: 'The small tiers start with one pod of a service, to be cheap.',
  },
];

/** A failed check of a scanner. */
export type Finding = { tier: string; check: string; resource: string; said: string };

/** Findings that nobody accepted, and acceptances that no finding needs. */
export function judge(scanner: Accepted['scanner'], findings: readonly Finding[]): { open: string[]; idle: string[] } {
  const needed = new Set<Accepted>();
  const open = findings.filter((finding) => {
    const covers = accepted.filter(
      (each) =>
        each.scanner === scanner &&
        each.check === finding.check &&
        each.resource.test(finding.resource) &&
        (each.tiers?.includes(finding.tier) ?? true),
    );
    for (const each of covers) needed.add(each);
    return covers.length === 0;
  });
  return {
    open: open.map(({ tier, check, resource, said }) => `${tier}: ${check} ${resource}: ${said}`),
    idle: accepted
      .filter((each) => each.scanner === scanner && !needed.has(each))
      .map(({ check, why }) => `${check}: ${why}`),
  };
}
