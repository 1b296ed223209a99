import type { PodPlan } from '../plan/types.ts';

/** A gauge of the pods themselves, read by GKE's managed adapter. */
export type ScaleMetric = { resource: string; name: string; average: number };

type Scaling = {
  name: string;
  pods: PodPlan;
  scaleOn?: readonly ScaleMetric[];
  scaleDown: { pods: number; everySeconds: number; afterSeconds: number };
};

/** Share of a pod's processor at which another one is added: the rest takes what comes until it is ready. */
const processorShare = 65;
/** Share of a pod's memory: a gateway's grows with its connections, so this holds where no gauge can be read. */
const memoryShare = 75;

/** An autoscaler's specification. Up at once, down slowly: what is scaled down loses its connections or its warm pools. */
export function scalingOf({ name, pods, scaleOn = [], scaleDown }: Scaling) {
  const share = (resource: 'cpu' | 'memory', averageUtilization: number) => ({
    // Of the service's own container: a sidecar's idle share would hide its load.
    type: 'ContainerResource',
    containerResource: { name: resource, container: name, target: { type: 'Utilization', averageUtilization } },
  });
  return {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    minReplicas: pods.replicas,
    maxReplicas: pods.maximum,
    metrics: [
      share('cpu', processorShare),
      share('memory', memoryShare),
      ...scaleOn.map((metric) => ({
        type: 'Pods',
        pods: {
          // https://cloud.google.com/kubernetes-engine/docs/how-to/expose-custom-metrics-autoscaling
          metric: { name: `autoscaling.gke.io|${metric.resource}|${metric.name}` },
          target: { type: 'AverageValue', averageValue: String(metric.average) },
        },
      })),
    ],
    behavior: {
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Max',
        policies: [{ type: 'Percent', value: 100, periodSeconds: 60 }],
      },
      scaleDown: {
        stabilizationWindowSeconds: scaleDown.afterSeconds,
        selectPolicy: 'Min',
        policies: [{ type: 'Pods', value: scaleDown.pods, periodSeconds: scaleDown.everySeconds }],
      },
    },
  };
}
