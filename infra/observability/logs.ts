import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { clusterName } from '../cluster/names.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { generated } from '../generation.ts';
import { namespaceOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';
import { logMetricNames } from './queries.ts';

export type LogsArgs = ComponentArgs & {
  /** Four hex digits, new after each destroy: Google keeps a deleted bucket's name for a week. */
  generation: pulumi.Input<string>;
};

/**
 * Logs of the platform's pods in a bucket of their own: in the environment's region, for as long as the tier says, and once
 * only, since the project's default bucket does not get them as well.
 */
export class Logs extends Component {
  readonly bucket: gcp.logging.ProjectBucketConfig;

  constructor(name: string, args: LogsArgs, options: pulumi.ComponentResourceOptions) {
    super('observability:Logs', name, args, options);
    this.bucket = this.#bucket(args.generation);
    const sink = this.#sink();
    this.#notTwice(sink);
    this.#counters();
    this.finish({ bucket: this.bucket.id });
  }

  /** Lines of the environment's pods. */
  get #ours(): string {
    return [
      'resource.type="k8s_container"',
      `resource.labels.cluster_name="${clusterName(this.environment)}"`,
      `resource.labels.namespace_name="${namespaceOf(this.environment)}"`,
    ].join(' AND ');
  }

  #bucket(generation: pulumi.Input<string>): gcp.logging.ProjectBucketConfig {
    const { environment } = this;
    return this.make(
      gcp.logging.ProjectBucketConfig,
      'bucket',
      {
        project: environment.project,
        location: environment.region,
        bucketId: generated('repository', generation, environment.name, 'platform'),
        description: `Logs of the platform of environment ${environment.name}`,
        retentionDays: environment.tier.observability.logDays,
        // A locked bucket cannot be deleted before its last line is old.
        locked: false,
        deletionPolicy: environment.tier.lifecycle.deletionPolicy,
      },
      { guarded: true },
    );
  }

  /** A sink to a bucket of the same project needs no grant: https://cloud.google.com/logging/docs/export/configure_export_v2 */
  #sink(): gcp.logging.ProjectSink {
    const { environment } = this;
    return this.make(gcp.logging.ProjectSink, 'sink', {
      name: nameOf('repository', environment.name, 'platform'),
      description: `Pods of environment ${environment.name}`,
      destination: pulumi.interpolate`logging.googleapis.com/${this.bucket.id}`,
      filter: this.#ours,
      exclusions: [
        {
          name: 'health-checks',
          description: 'Answers to load balancer and kubelet, several a second for each pod, that went well',
          filter: 'severity<WARNING AND jsonPayload.operation=~"^/(healthz|readyz|metrics)$"',
        },
      ],
      uniqueWriterIdentity: true,
    });
  }

  #notTwice(sink: gcp.logging.ProjectSink): void {
    this.make(
      gcp.logging.ProjectExclusion,
      'not-in-default',
      {
        name: nameOf('repository', this.environment.name, 'platform'),
        description: `Lines that ${this.environment.name}'s own bucket has are not paid for a second time`,
        filter: this.#ours,
      },
      // Not before the other place takes them.
      { dependsOn: sink },
    );
  }

  #counters(): void {
    const names = logMetricNames(this.environment);
    this.#counter('errors', names.errors, 'Error lines', 'severity>=ERROR');
    this.#counter(
      'probe-failures',
      names.probeFailures,
      'Runs of the probe that failed',
      'severity>=ERROR AND resource.labels.container_name="probe"',
    );
  }

  #counter(child: string, metric: string, displayName: string, filter: string): void {
    this.make(gcp.logging.Metric, child, {
      name: metric,
      description: `${displayName} of environment ${this.environment.name}`,
      filter: `${this.#ours} AND ${filter}`,
      metricDescriptor: { metricKind: 'DELTA', valueType: 'INT64', unit: '1', displayName },
    });
  }
}
