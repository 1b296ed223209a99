import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { type WorkloadName, workloadNames } from '../access.ts';
import { operatorRole, subjectsOf } from '../cluster/administrators.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { emailOf, namespaceOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';
import { type ClusterNeed, inCluster } from './needs.ts';
import { denyAll } from './network-policy.ts';
import { quotaOf } from './quota.ts';

export type PlatformNamespaceArgs = ComponentArgs & {
  cluster: ClusterNeed;
  /** CA of the cache's certificate, which every service that has `IOT_REDIS_CA_FILE` reads. */
  cacheCa: pulumi.Input<string>;
};

/** The platform's namespace and what holds for everything in it. */
export class PlatformNamespace extends Component {
  readonly namespace: kubernetes.core.v1.Namespace;
  /** Literal: a namespace's name is in identities and grants. */
  readonly name: string;
  /** Priority of what takes messages, and of what answers people. Ingest evicts the other when a node is full. */
  readonly priorities: { ingest: string; serving: string };
  /** ConfigMap with `ca.pem`. */
  readonly cacheCa: string = 'cache-ca';
  /** Everything that has to be there before the first pod. */
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: PlatformNamespaceArgs, options: pulumi.ComponentResourceOptions) {
    super('workloads:PlatformNamespace', name, args, inCluster(options, args.cluster));
    const { environment } = args;
    // Nothing here has a side effect in the cloud: it goes with the cluster, without a delete each.
    const within = { deletedWith: args.cluster.cluster, dependsOn: [args.cluster] };
    this.name = namespaceOf(environment);
    this.namespace = this.make(kubernetes.core.v1.Namespace, 'namespace', { metadata: this.#metadata() }, within);
    const here = { ...within, dependsOn: [this.namespace] };
    const metadata = (child: string) => ({ name: child, namespace: this.name });

    const quota = this.make(
      kubernetes.core.v1.ResourceQuota,
      'quota',
      {
        metadata: metadata('platform'),
        spec: { hard: quotaOf(environment.plan, environment.domain === null ? 1 : 2) },
      },
      here,
    );
    const limits = this.make(
      kubernetes.core.v1.LimitRange,
      'limits',
      {
        metadata: metadata('platform'),
        // For what somebody adds by hand: our own pods all say what they need.
        spec: {
          limits: [
            {
              type: 'Container',
              defaultRequest: { cpu: '250m', memory: '512Mi', 'ephemeral-storage': '1Gi' },
              default: { cpu: '250m', memory: '512Mi', 'ephemeral-storage': '1Gi' },
            },
          ],
        },
      },
      here,
    );
    const deny = this.make(
      kubernetes.networking.v1.NetworkPolicy,
      'deny',
      // https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic
      { metadata: metadata('deny-all'), spec: denyAll },
      here,
    );
    const ca = this.make(
      kubernetes.core.v1.ConfigMap,
      'cache-ca',
      { metadata: metadata(this.cacheCa), data: { 'ca.pem': args.cacheCa } },
      here,
    );
    if (environment.administrators.length > 0)
      this.make(
        kubernetes.rbac.v1.RoleBinding,
        'operators',
        {
          metadata: metadata('iot-operators'),
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: operatorRole },
          subjects: subjectsOf(environment.administrators),
        },
        here,
      );
    const accounts = workloadNames.filter((each) => each !== 'simulator').map((each) => this.#account(each, here));
    const classes = this.#priorityClasses(within);
    this.priorities = { ingest: classes.ingest.name, serving: classes.serving.name };
    this.ready = [
      this.namespace,
      quota,
      limits,
      deny,
      ca,
      ...accounts,
      classes.ingest.resource,
      classes.serving.resource,
    ];
    this.finish({ name: this.name });
  }

  #metadata() {
    return {
      name: this.name,
      labels: {
        'app.kubernetes.io/part-of': 'iot-platform',
        'app.kubernetes.io/managed-by': 'pulumi',
        // The API server refuses a pod that is not restricted: https://kubernetes.io/docs/concepts/security/pod-security-admission/
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/audit': 'restricted',
        'pod-security.kubernetes.io/warn': 'restricted',
      },
    };
  }

  /** By which pods act as the Google service account of the same workload; Kubernetes gives them no token of its own. */
  #account(workload: WorkloadName, options: pulumi.CustomResourceOptions): kubernetes.core.v1.ServiceAccount {
    return this.make(
      kubernetes.core.v1.ServiceAccount,
      workload,
      {
        metadata: {
          name: workload,
          namespace: this.name,
          labels: { 'app.kubernetes.io/part-of': 'iot-platform', 'app.kubernetes.io/managed-by': 'pulumi' },
          // https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#kubernetes-sa-to-iam
          annotations: { 'iam.gke.io/gcp-service-account': emailOf(this.environment, workload) },
        },
        automountServiceAccountToken: false,
      },
      options,
    );
  }

  #priorityClasses(options: pulumi.CustomResourceOptions) {
    const make = (kind: 'ingest' | 'serving', value: number, description: string) => {
      const name = nameOf('kubernetes', this.environment.name, kind);
      const resource = this.make(
        kubernetes.scheduling.v1.PriorityClass,
        kind,
        { metadata: { name }, value, globalDefault: false, preemptionPolicy: 'PreemptLowerPriority', description },
        options,
      );
      return { name, resource };
    };
    return {
      ingest: make('ingest', 1_000_000, 'What takes, stores and authorises the messages of devices'),
      serving: make('serving', 900_000, 'What answers people, and jobs'),
    };
  }
}
