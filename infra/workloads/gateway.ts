import * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { serviceCalls } from '../../runtime/contracts/callers.ts';
import { metricNames } from '../../runtime/contracts/metrics.ts';
import { GatewaySettings } from '../../runtime/contracts/settings/services.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { edgeNames, serverNamesOf } from '../edge/names.ts';
import { certificatesContainer } from './certificates.ts';
import { drainOf } from './drain.ts';
import { labelsOf, selectorOf } from './labels.ts';
import { inCluster, type WorkloadNeeds } from './needs.ts';
import { type Folder, identityPath } from './pod.ts';
import { ports } from './ports.ts';
import { cacheCaFile, cacheSettings, commonSettings, internalUrl, tlsFolder } from './services.ts';
import { variablesOf } from './settings.ts';
import { Workload } from './workload.ts';

export type GatewayWorkloadArgs = ComponentArgs & {
  needs: WorkloadNeeds;
  namespace: string;
  priorityClass: string;
  /** ConfigMap with the cache's CA. */
  cacheCa: string;
  otlpEndpoint?: string;
};

/** The gateway: pods that hold connections, their certificates, and the address that devices know. */
export class GatewayWorkload extends Component {
  readonly workload: Workload;
  /** The L4 load balancer. */
  readonly service: kubernetes.core.v1.Service;

  constructor(name: string, args: GatewayWorkloadArgs, options: pulumi.ComponentResourceOptions) {
    super('workloads:GatewayWorkload', name, args, inCluster(options, args.needs.cluster));
    const { environment, needs, namespace } = args;
    const { graceSeconds, preStopSeconds, drainSeconds } = drainOf(environment.plan);
    const scaleOn = this.#connections(args);
    this.workload = new Workload(
      `${name}-gateway`,
      {
        environment,
        cluster: needs.cluster,
        namespace,
        name: 'gateway',
        pods: environment.plan.pods.gateway,
        container: { ...gatewayContainer(args, drainSeconds), preStopSeconds },
        sidecars: [certificatesContainer(args, { names: serverNamesOf(environment), tickets: 'session-tickets' })],
        configMaps: { 'cache-ca': args.cacheCa },
        priorityClass: args.priorityClass,
        graceSeconds,
        // The next pod is not replaced before devices are back on this one.
        minReadySeconds: 30,
        ...(scaleOn === undefined ? {} : { scaleOn: [scaleOn] }),
        // Each pod taken away drops its connections: one in five minutes, and only after half an hour of less.
        scaleDown: { pods: 1, everySeconds: 300, afterSeconds: 1_800 },
      },
      { parent: this },
    );
    this.service = this.#loadBalancer(args);
    this.finish({ service: this.service.metadata.name });
  }

  /**
   * Scaling by open connections, where the tier takes GKE's managed metric adapter.
   * https://cloud.google.com/kubernetes-engine/docs/how-to/expose-custom-metrics-autoscaling
   */
  #connections({ environment, needs, namespace }: GatewayWorkloadArgs) {
    if (!environment.tier.workloads.scaleOnConnections) return undefined;
    const metric = {
      resource: 'gateway',
      name: 'connections',
      average: Math.ceil(environment.plan.devicesPerGateway * 0.8),
    };
    this.make(
      kubernetes.apiextensions.CustomResource,
      'connections',
      {
        apiVersion: 'autoscaling.gke.io/v1beta1',
        kind: 'AutoscalingMetric',
        metadata: { name: metric.resource, namespace, labels: labelsOf('gateway', environment) },
        spec: {
          metrics: [
            {
              pod: {
                selector: { matchLabels: selectorOf('gateway') },
                containers: [
                  {
                    endpoint: { port: ports.health, path: '/metrics' },
                    metrics: [{ gauge: { name: metric.name, prometheusMetricName: metricNames.gateway.connections } }],
                  },
                ],
              },
            },
          ],
        },
      },
      { deletedWith: needs.cluster.cluster },
    );
    return metric;
  }

  #loadBalancer({ environment, needs, namespace }: GatewayWorkloadArgs): kubernetes.core.v1.Service {
    return this.make(
      kubernetes.core.v1.Service,
      'address',
      {
        metadata: {
          name: 'mqtt',
          namespace,
          labels: labelsOf('gateway', environment),
          annotations: {
            'networking.gke.io/load-balancer-ip-addresses': edgeNames(environment).mqttAddress,
            // Nodes with more gateway pods get more of the new connections.
            'networking.gke.io/weighted-load-balancing': 'pods-per-node',
          },
        },
        spec: {
          type: 'LoadBalancer',
          // Backend-service based, packets pass through: https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer
          loadBalancerClass: 'networking.gke.io/l4-regional-external',
          // The gateway sees devices' own addresses, and a packet takes no second hop that could end with another node.
          externalTrafficPolicy: 'Local',
          selector: selectorOf('gateway'),
          ports: [{ name: 'mqtt', port: ports.mqtt, targetPort: 'mqtt', protocol: 'TCP' }],
        },
      },
      // Its load balancer is in the cloud: deleted for real, before the cluster and before its address.
      { dependsOn: [needs.cluster, needs.edge, this.workload] },
    );
  }
}

const state: Folder = { name: 'state', path: '/var/lib/iot', size: '512Mi' };

function gatewayContainer(args: GatewayWorkloadArgs, drainSeconds: number) {
  const { environment, needs, namespace } = args;
  return {
    image: needs.images.references.gateway,
    ports: { mqtt: ports.mqtt },
    calls: serviceCalls.gateway,
    folders: [{ ...tlsFolder, readOnly: true }, state],
    files: [cacheCaFile],
    env: variablesOf('gateway', GatewaySettings, {
      ...commonSettings(args),
      ...cacheSettings(needs),
      IOT_PUBSUB_PROJECT: environment.project,
      IOT_MQTT_PORT: ports.mqtt,
      IOT_TLS_DIR: tlsFolder.path,
      IOT_IDENTITY_DIR: identityPath,
      IOT_DEVICES_URL: internalUrl('devices', namespace),
      // The snapshot of revocations: a new pod fetches it anew before it is ready.
      IOT_STATE_DIR: state.path,
      // A pod's disk dies with it, and with it what was acknowledged from a spill log.
      IOT_SPILL: 'off',
      IOT_DRAIN_SECONDS: drainSeconds,
      // What its memory holds: a small pod of a small tier admits fewer than the setting's default.
      IOT_MAX_CONNECTIONS: environment.plan.connectionsPerGateway,
    }),
  };
}
