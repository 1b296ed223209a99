import { createHash } from 'node:crypto';
import * as kubernetes from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import type { WorkloadName } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import type { PodName } from './flows.ts';
import { labelsOf } from './labels.ts';
import { type ClusterNeed, inCluster } from './needs.ts';
import { policyOf } from './network-policy.ts';
import { type ContainerPlan, podOf } from './pod.ts';

/** Work that ends by itself. */
export type JobArgs = ComponentArgs & {
  cluster: ClusterNeed;
  /** Literal name of the platform's namespace. */
  namespace: string;
  name: PodName;
  /** Workload by whose identity it acts. */
  account: WorkloadName;
  priorityClass: string;
  image: pulumi.Input<string>;
  /** Arguments of the image's program; none: none. */
  command: readonly string[];
  env: ContainerPlan['env'];
  /** Longest time of all attempts together, seconds. */
  deadlineSeconds: number;
  /** Attempts after the first. */
  retries: number;
};

/** Runs once for each image: the next release is another job, and `up` waits until it is done. */
export class ReleaseJob extends Component {
  readonly job: kubernetes.batch.v1.Job;

  constructor(name: string, args: JobArgs, options: pulumi.ComponentResourceOptions) {
    super('workloads:ReleaseJob', name, args, inCluster(options, args.cluster));
    const policy = this.make(
      kubernetes.networking.v1.NetworkPolicy,
      'network',
      { metadata: metadataOf(args), spec: policyOf(args.name, args.environment) },
      { deletedWith: args.cluster.cluster },
    );
    const wait = `${Math.ceil(args.deadlineSeconds / 60) + 5}m`;
    this.job = this.make(
      kubernetes.batch.v1.Job,
      'job',
      { metadata: { ...metadataOf(args), name: jobName(args.name, args.image) }, spec: specOf(args) },
      { deletedWith: args.cluster.cluster, dependsOn: [policy], customTimeouts: { create: wait, update: wait } },
    );
    this.finish({ name: this.job.metadata.name });
  }
}

/** Runs by the clock, one at a time. */
export class ClockJob extends Component {
  constructor(name: string, args: JobArgs & { schedule: string }, options: pulumi.ComponentResourceOptions) {
    super('workloads:ClockJob', name, args, inCluster(options, args.cluster));
    const policy = this.make(
      kubernetes.networking.v1.NetworkPolicy,
      'network',
      { metadata: metadataOf(args), spec: policyOf(args.name, args.environment) },
      { deletedWith: args.cluster.cluster },
    );
    this.make(
      kubernetes.batch.v1.CronJob,
      'job',
      {
        metadata: metadataOf(args),
        spec: {
          schedule: args.schedule,
          timeZone: 'Etc/UTC',
          concurrencyPolicy: 'Forbid',
          startingDeadlineSeconds: 300,
          successfulJobsHistoryLimit: 1,
          failedJobsHistoryLimit: 3,
          jobTemplate: { metadata: { labels: labelsOf(args.name, args.environment) }, spec: specOf(args) },
        },
      },
      { deletedWith: args.cluster.cluster, dependsOn: [policy] },
    );
    this.finish({});
  }
}

const metadataOf = ({ name, namespace, environment }: JobArgs) => ({
  name,
  namespace,
  labels: labelsOf(name, environment),
});

/** Restricted like the services, never restarted in place, so that each try has its own log. */
function specOf(args: JobArgs): kubernetes.types.input.batch.v1.JobSpec {
  const { name, account, priorityClass, image, command, env, environment } = args;
  const pod = podOf(
    {
      name,
      account,
      priorityClass,
      graceSeconds: 30,
      containers: [
        { name, image, ...(command.length > 0 ? { args: [...command] } : {}), env, cpu: '250m', memory: '512Mi' },
      ],
    },
    environment,
  );
  return {
    backoffLimit: args.retries,
    activeDeadlineSeconds: args.deadlineSeconds,
    template: { ...pod, spec: { ...pod.spec, restartPolicy: 'Never' } },
  };
}

/** Ends with the image's fingerprint. Literal wherever the image is known at preview. */
function jobName(name: string, image: pulumi.Input<string>): pulumi.Input<string> {
  const nameFor = (reference: string) => `${name}-${createHash('sha256').update(reference).digest('hex').slice(0, 10)}`;
  return typeof image === 'string' ? nameFor(image) : pulumi.output(image).apply(nameFor);
}
