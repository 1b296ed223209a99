import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import type { WorkloadName } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import type { PodPlan, ServiceName } from '../plan/types.ts';
import { labelsOf, selectorOf } from './labels.ts';
import { type ClusterNeed, inCluster } from './needs.ts';
import { policyOf } from './network-policy.ts';
import { type ContainerPlan, podOf, spreadOf } from './pod.ts';
import { ports } from './ports.ts';
import { type ScaleMetric, scalingOf } from './scaling.ts';

export type WorkloadArgs = ComponentArgs & {
  cluster: ClusterNeed;
  /** Literal name of the platform's namespace. */
  namespace: string;
  name: ServiceName & WorkloadName;
  /** Replicas at rest and at most, and what a pod asks for. */
  pods: PodPlan;
  container: Omit<ContainerPlan, 'name' | 'cpu' | 'memory' | 'healthPort'>;
  sidecars?: readonly ContainerPlan[];
  /** ConfigMaps by volume name. */
  configMaps?: Readonly<Record<string, string>>;
  priorityClass: string;
  /** From the signal to stop, `preStop` included, until the pod is killed. */
  graceSeconds: number;
  /** Seconds that a new pod has to stay ready before the rollout goes on. */
  minReadySeconds: number;
  /** Beside processor time and memory. */
  scaleOn?: readonly ScaleMetric[];
  /** Pods that one step of scaling takes away, and how long load has to be lower before. */
  scaleDown: { pods: number; everySeconds: number; afterSeconds: number };
  /** A load balancer's backend is made from the Service: it has to be deleted for real before the cluster goes. */
  backendOfLoadBalancer?: boolean;
};

/** One service: pods, name, scaling, disruption budget, firewall and metrics. Its account is the namespace's of that name. */
export class Workload extends Component {
  readonly deployment: kubernetes.apps.v1.Deployment;
  readonly service: kubernetes.core.v1.Service;
  /** Literal, for those who refer to it as text. */
  readonly serviceName: string;

  constructor(name: string, args: WorkloadArgs, options: pulumi.ComponentResourceOptions) {
    super('workloads:Workload', name, args, inCluster(options, args.cluster));
    // No side effect in the cloud: it goes with the cluster.
    const within = { deletedWith: args.cluster.cluster };
    this.serviceName = args.name;
    const policy = this.make(
      kubernetes.networking.v1.NetworkPolicy,
      'network',
      { metadata: this.#metadata(args), spec: policyOf(args.name, args.environment) },
      within,
    );
    this.deployment = this.make(kubernetes.apps.v1.Deployment, 'pods', this.#deployment(args), {
      ...within,
      dependsOn: [policy], // a pod without its policy would reach nobody
      // One pod after the other, each perhaps on a node that has to come first.
      customTimeouts: rolloutTimeouts(args.pods),
    });
    this.service = this.make(
      kubernetes.core.v1.Service,
      'service',
      this.#service(args),
      args.backendOfLoadBalancer === true ? {} : within,
    );
    this.make(kubernetes.policy.v1.PodDisruptionBudget, 'disruption', this.#disruption(args), within);
    this.make(kubernetes.autoscaling.v2.HorizontalPodAutoscaler, 'scaling', this.#scaling(args), {
      ...within,
      dependsOn: [this.deployment],
    });
    this.make(kubernetes.apiextensions.CustomResource, 'metrics', this.#metrics(args), within);
    this.finish({ service: this.serviceName });
  }

  #metadata({ name, namespace, environment }: WorkloadArgs) {
    return { name, namespace, labels: labelsOf(name, environment) };
  }

  #deployment(args: WorkloadArgs): kubernetes.apps.v1.DeploymentArgs {
    const { environment, pods, container, minReadySeconds } = args;
    const pod = podOf(
      {
        name: args.name,
        account: args.name,
        containers: [
          {
            ...container,
            name: args.name,
            cpu: pods.cpu,
            memory: pods.memory,
            healthPort: ports.health,
            ports: { ...container.ports, health: ports.health },
          },
        ],
        ...(args.sidecars === undefined ? {} : { sidecars: args.sidecars }),
        ...(args.configMaps === undefined ? {} : { configMaps: args.configMaps }),
        priorityClass: args.priorityClass,
        graceSeconds: args.graceSeconds,
      },
      environment,
    );
    return {
      metadata: this.#metadata(args),
      spec: {
        // No `replicas`: the autoscaler owns the number, and an `up` must not undo it.
        selector: { matchLabels: selectorOf(args.name) },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        minReadySeconds,
        revisionHistoryLimit: 3,
        progressDeadlineSeconds: Math.max(600, args.graceSeconds * 2),
        template: {
          ...pod,
          spec: {
            ...pod.spec,
            topologySpreadConstraints: spreadOf(args.name, environment.tier.workloads.strictSpread) ?? [],
          },
        },
      },
    };
  }

  #service(args: WorkloadArgs): kubernetes.core.v1.ServiceArgs {
    const all = { ...args.container.ports, health: ports.health };
    return {
      metadata: this.#metadata(args),
      spec: {
        type: 'ClusterIP',
        selector: selectorOf(args.name),
        ports: Object.entries(all).map(([name, port]) => ({ name, port, targetPort: name, protocol: 'TCP' })),
      },
    };
  }

  #disruption(args: WorkloadArgs): kubernetes.policy.v1.PodDisruptionBudgetArgs {
    return {
      metadata: this.#metadata(args),
      spec: {
        maxUnavailable: 1,
        selector: { matchLabels: selectorOf(args.name) },
        // A pod that is not ready anyway must not hold up a node's upgrade: https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      },
    };
  }

  #scaling(args: WorkloadArgs): kubernetes.autoscaling.v2.HorizontalPodAutoscalerArgs {
    return { metadata: this.#metadata(args), spec: scalingOf(args) };
  }

  #metrics(args: WorkloadArgs): kubernetes.apiextensions.CustomResourceArgs {
    const sidecars = (args.sidecars ?? []).flatMap(({ healthPort }) => (healthPort === undefined ? [] : [healthPort]));
    return {
      // https://cloud.google.com/stackdriver/docs/managed-prometheus/setup-managed#gmp-pod-monitoring
      apiVersion: 'monitoring.googleapis.com/v1',
      kind: 'PodMonitoring',
      metadata: this.#metadata(args),
      spec: {
        selector: { matchLabels: selectorOf(args.name) },
        endpoints: [ports.health, ...sidecars].map((port) => ({ port, path: '/metrics', interval: '30s' })),
      },
    };
  }
}

/** Ten minutes for the first, three for each other: Pulumi's own ten would end a gateway's rollout half way. */
const rolloutTimeouts = ({ maximum }: PodPlan) => ({ create: `${10 + 3 * maximum}m`, update: `${10 + 3 * maximum}m` });
