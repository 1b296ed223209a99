import type * as kubernetes from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { audienceOf, type CalledService } from '../../runtime/contracts/callers.ts';
import type { Environment } from '../environment.ts';
import type { PodName } from './flows.ts';
import { labelsOf, selectorOf } from './labels.ts';
import type { Variable } from './settings.ts';

type Container = kubernetes.types.input.core.v1.Container;
type PodSpec = kubernetes.types.input.core.v1.PodSpec;
type Probe = kubernetes.types.input.core.v1.Probe;

/** User of distroless images' `nonroot`, which our images run as. */
const nonroot = 65_532;

/** A folder that a container may write to; everything else of its file system is read-only. */
export type Folder = {
  name: string;
  path: string;
  /** Kubernetes quantity. A pod that writes more is evicted. */
  size: string;
  /** In memory: for keys, which must not reach a disk. Counts against the container's memory. */
  memory?: boolean;
  /** Written by one container of the pod and read by another. */
  readOnly?: boolean;
};

export type ContainerPlan = {
  name: string;
  image: pulumi.Input<string>;
  args?: string[];
  env: Variable[];
  cpu: string;
  memory: string;
  /** By name. */
  ports?: Readonly<Record<string, number>>;
  folders?: readonly Folder[];
  /** A file of a ConfigMap. */
  files?: readonly { volume: string; path: string }[];
  /** Services to which it proves who it is, by a token each in `identityPath`. */
  calls?: readonly CalledService[];
  /** Port of `/healthz` and `/readyz`; none for what ends by itself. */
  healthPort?: number;
  /** Seconds that a stopping pod goes on as before, until no load balancer sends it anything new. */
  preStopSeconds?: number;
};

/** Folder of a container's tokens for the services that it calls (`IOT_IDENTITY_DIR`). */
export const identityPath = '/var/run/iot/identity';
const identity = 'identity';

/** A container under the `restricted` Pod Security Standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export function containerOf(plan: ContainerPlan): Container {
  const quantities = { cpu: plan.cpu, memory: plan.memory, 'ephemeral-storage': '1Gi' };
  return {
    name: plan.name,
    image: plan.image,
    // The reference is a digest: what is there is what was asked for. https://kubernetes.io/docs/concepts/containers/images/
    imagePullPolicy: 'IfNotPresent',
    ...(plan.args === undefined ? {} : { args: plan.args }),
    env: plan.env,
    ports: Object.entries(plan.ports ?? {}).map(([name, containerPort]) => ({ name, containerPort, protocol: 'TCP' })),
    // Requests equal limits: the measured figures of the plan hold whatever else is on the node.
    resources: { requests: quantities, limits: quantities },
    volumeMounts: [
      ...(plan.folders ?? []).map(({ name, path, readOnly }) => ({
        name,
        mountPath: path,
        ...(readOnly === true ? { readOnly } : {}),
      })),
      ...(plan.files ?? []).map(({ volume, path }) => ({ name: volume, mountPath: path, readOnly: true })),
      ...(plan.calls === undefined ? [] : [{ name: identity, mountPath: identityPath, readOnly: true }]),
    ],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
    ...(plan.healthPort === undefined ? {} : probesOf(plan.healthPort)),
    // The kubelet sleeps: an image without a shell has nothing to run. https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
    ...(plan.preStopSeconds === undefined
      ? {}
      : { lifecycle: { preStop: { sleep: { seconds: plan.preStopSeconds } } } }),
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

function probesOf(port: number): { startupProbe: Probe; readinessProbe: Probe; livenessProbe: Probe } {
  const get = (path: string) => ({ httpGet: { path, port } });
  return {
    // A first start may wait for a store; until it succeeds the other two are not asked.
    startupProbe: { ...get('/readyz'), periodSeconds: 2, failureThreshold: 90, timeoutSeconds: 2 },
    readinessProbe: { ...get('/readyz'), periodSeconds: 5, failureThreshold: 2, timeoutSeconds: 2 },
    // Slow to judge: a restart drops every connection, and a store that is away is no reason for one.
    livenessProbe: { ...get('/healthz'), periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 },
  };
}

export type PodPlanOf = {
  name: PodName;
  /** Kubernetes service account, bound to a Google one. */
  account: string;
  containers: readonly ContainerPlan[];
  /** Started before the containers and stopped after them: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/ */
  sidecars?: readonly ContainerPlan[];
  /** ConfigMaps by volume name. */
  configMaps?: Readonly<Record<string, string>>;
  priorityClass: string;
  graceSeconds: number;
};

export type PodTemplate = { metadata: { labels: Record<string, string> }; spec: PodSpec };

/** Labels and specification of a pod. */
export function podOf(plan: PodPlanOf, environment: Environment): PodTemplate {
  const all = [...plan.containers, ...(plan.sidecars ?? [])];
  const folders = new Map(all.flatMap(({ folders = [] }) => folders.map((folder) => [folder.name, folder])));
  return {
    metadata: { labels: labelsOf(plan.name, environment) },
    spec: {
      serviceAccountName: plan.account,
      // Tokens for Google come from the metadata server; nothing here talks to Kubernetes, whose API takes none of the
      // tokens in `identity`: their audience is another. CIS GKE 5.1.6.
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      priorityClassName: plan.priorityClass,
      terminationGracePeriodSeconds: plan.graceSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: nonroot,
        runAsGroup: nonroot,
        // The pod's folders belong to this group, so that the user may write to them.
        fsGroup: nonroot,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...(plan.sidecars === undefined
        ? {}
        : { initContainers: plan.sidecars.map((sidecar) => ({ ...containerOf(sidecar), restartPolicy: 'Always' })) }),
      containers: plan.containers.map(containerOf),
      volumes: [
        ...[...folders.values()].map(({ name, size, memory }) => ({
          name,
          emptyDir: { sizeLimit: size, ...(memory === true ? { medium: 'Memory' } : {}) },
        })),
        ...Object.entries(plan.configMaps ?? {}).map(([name, configMap]) => ({ name, configMap: { name: configMap } })),
        ...tokensFor([...new Set(all.flatMap(({ calls = [] }) => calls))]),
      ],
    },
  };
}

/**
 * Tokens of the pod's account, one a service, which the kubelet renews. The shortest life that Kubernetes gives.
 * https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
 */
function tokensFor(services: readonly CalledService[]) {
  if (services.length === 0) return [];
  const sources = services.map(audienceOf).map((audience) => ({
    serviceAccountToken: { audience, path: audience, expirationSeconds: 600 },
  }));
  return [{ name: identity, projected: { sources } }];
}

/** Pods of a part apart from each other: one zone or node lost takes only its share. */
export function spreadOf(name: PodName, strict: boolean): PodSpec['topologySpreadConstraints'] {
  const over = (topologyKey: string, whenUnsatisfiable: string) => ({
    topologyKey,
    whenUnsatisfiable,
    maxSkew: 1,
    labelSelector: { matchLabels: selectorOf(name) },
    // Only pods of the same revision count, or a rollout would look at those that are about to go.
    matchLabelKeys: ['pod-template-hash'],
  });
  return [
    over('topology.kubernetes.io/zone', strict ? 'DoNotSchedule' : 'ScheduleAnyway'),
    over('kubernetes.io/hostname', 'ScheduleAnyway'),
  ];
}
