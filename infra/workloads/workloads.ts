import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { estHostOf } from '../edge/names.ts';
import type { ServiceName } from '../plan/types.ts';
import { certificatesContainer } from './certificates.ts';
import { EstEntry } from './est.ts';
import { GatewayWorkload } from './gateway.ts';
import { Jobs } from './jobs.ts';
import { PlatformNamespace } from './namespace.ts';
import { inCluster, type WorkloadNeeds } from './needs.ts';
import type { ContainerPlan } from './pod.ts';
import { Probe } from './probe.ts';
import {
  apiContainer,
  devicesContainer,
  processorContainer,
  type ServiceContext,
  telemetryContainer,
} from './services.ts';
import { Workload } from './workload.ts';

export type WorkloadsArgs = ComponentArgs &
  WorkloadNeeds & {
    /** Another collector of traces in the cluster than that of the setting `traces`. */
    otlpEndpoint?: string;
  };

/** https://cloud.google.com/kubernetes-engine/docs/how-to/managed-otel-gke */
const managedCollector = 'http://opentelemetry-collector.gke-managed-otel.svc.cluster.local:4318';

/** Everything that runs in the cluster: namespace, jobs, services and the gateway. */
export class Workloads extends Component {
  /** Literal. */
  readonly namespace: string;
  readonly services: Readonly<Record<ServiceName, Workload>>;
  readonly gateway: GatewayWorkload;
  readonly jobs: Jobs;

  constructor(name: string, args: WorkloadsArgs, options: pulumi.ComponentResourceOptions) {
    super('workloads:Workloads', name, args, inCluster(options, args.cluster));
    const { environment, cluster } = args;
    const otlpEndpoint = args.otlpEndpoint ?? (environment.traces === 'managed' ? managedCollector : undefined);
    const needs: WorkloadNeeds = args;
    const platform = new PlatformNamespace(
      `${name}-namespace`,
      { environment, cluster, cacheCa: args.cache.caPem },
      { parent: this },
    );
    this.namespace = platform.name;
    const context: ServiceContext = {
      environment,
      needs,
      namespace: platform.name,
      ...(otlpEndpoint === undefined ? {} : { otlpEndpoint }),
    };
    // What the pods reach and who they are has to be there first; schema and grants before any new code.
    const parts = [needs.identities, needs.messaging, needs.database, needs.cache, needs.documents, needs.authority];
    const before = [...parts, needs.keys, needs.secrets, ...needs.images.ready, ...platform.ready];
    this.jobs = new Jobs(
      `${name}-jobs`,
      { environment, needs, namespace: platform.name, priorityClass: platform.priorities.serving },
      { parent: this, dependsOn: before },
    );
    const after = [...before, this.jobs.migrate];
    const service = (part: Exclude<ServiceName, 'gateway'>, container: Container, own: Own) =>
      new Workload(
        `${name}-${part}`,
        {
          environment,
          cluster,
          namespace: platform.name,
          name: part,
          pods: environment.plan.pods[part],
          container,
          configMaps: { 'cache-ca': platform.cacheCa },
          minReadySeconds: 10,
          scaleDown: { pods: 1, everySeconds: 120, afterSeconds: 600 },
          ...own,
        },
        {
          parent: this,
          dependsOn: [...after, ...(part === 'devices' && this.jobs.authority ? [this.jobs.authority] : [])],
        },
      );
    const { ingest, serving } = platform.priorities;
    const estHost = estHostOf(environment);
    const devices = service(
      'devices',
      { ...devicesContainer(context), preStopSeconds: 5 },
      { priorityClass: ingest, graceSeconds: 30 },
    );
    const processor = service('processor', processorContainer(context), { priorityClass: ingest, graceSeconds: 60 });
    const telemetry = service(
      'telemetry',
      { ...telemetryContainer(context), preStopSeconds: 5 },
      { priorityClass: serving, graceSeconds: 30 },
    );
    // The load balancer takes up to 20 s until it sends nobody new to a stopping pod.
    const api = service(
      'api',
      { ...apiContainer(context), preStopSeconds: 20 },
      {
        priorityClass: serving,
        graceSeconds: 60,
        backendOfLoadBalancer: environment.domain !== null,
        ...(estHost === null ? {} : { sidecars: [certificatesContainer(context, { names: [estHost] })] }),
      },
    );
    if (estHost !== null)
      new EstEntry(`${name}-est`, { environment, needs, namespace: platform.name, api }, { parent: this });
    this.gateway = new GatewayWorkload(
      `${name}-edge`,
      { ...context, priorityClass: ingest, cacheCa: platform.cacheCa },
      { parent: this, dependsOn: [...after, devices] },
    );
    this.services = { devices, processor, telemetry, api, gateway: this.gateway.workload };
    if (environment.tier.observability.uptimeProbe)
      new Probe(
        `${name}-probe`,
        { environment, needs, namespace: platform.name, priorityClass: serving },
        {
          parent: this,
          dependsOn: [api, this.gateway, ...(this.jobs.probeClient === null ? [] : [this.jobs.probeClient])],
        },
      );
    this.finish({ namespace: this.namespace });
  }
}

type Container = Omit<ContainerPlan, 'name' | 'cpu' | 'memory' | 'healthPort'>;
type Own = {
  priorityClass: string;
  graceSeconds: number;
  backendOfLoadBalancer?: boolean;
  sidecars?: readonly ContainerPlan[];
};
