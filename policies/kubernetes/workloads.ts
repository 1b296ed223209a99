import { type Answer, all, any, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import { quantity } from '../framework/quantity.ts';
import type { Reading } from '../framework/reader.ts';
import { everyLastingContainer, everyOwnContainer, longRunning, podBearing, podOf } from './pods.ts';

export const workloadPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-service-account-dedicated',
    description: 'Pods run as an account of their own, so that its rights are theirs alone.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Make a ServiceAccount for the workload and set serviceAccountName.',
    url: 'https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/',
    references: { 'cis-gke': ['4.1.4'] },
    types: podBearing,
    judge: (subject) => {
      const { spec } = podOf(subject);
      const name = spec.at('serviceAccountName');
      // The older name of the same field.
      return (name.state === 'absent' ? spec.at('serviceAccount') : name).matches(/^(?!default$)./);
    },
  }),

  resourcePolicy({
    id: 'k8s-no-token-automount',
    description: 'Pods get no token for the API server unless they speak to it.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Set automountServiceAccountToken to false, or add the service account to the setting "accounts" if it calls the API.',
    url: 'https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting',
    references: { 'cis-gke': ['4.1.5'], checkov: ['CKV_K8S_38'], trivy: ['KSV-0036'] },
    settings: { accounts: { default: [], description: 'Service accounts whose pods call the API server' } },
    types: podBearing,
    judge: (subject) => {
      const { spec } = podOf(subject);
      return any([
        spec.at('automountServiceAccountToken').is(false),
        spec
          .at('serviceAccountName')
          .orElse('default')
          .is(...subject.settings.accounts),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-requests-set',
    description: 'Containers say what they need: the scheduler packs by it, and the eviction order follows from it.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set resources.requests of cpu and memory on every container.',
    url: 'https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/',
    references: { checkov: ['CKV_K8S_10', 'CKV_K8S_12'], trivy: ['KSV-0015', 'KSV-0016'] },
    types: podBearing,
    judge: (subject) =>
      everyOwnContainer(podOf(subject), (container) =>
        all(['cpu', 'memory'].map((resource) => askedOf(container, resource).exists())),
      ),
  }),

  resourcePolicy({
    id: 'k8s-memory-limit',
    description:
      'Containers have a memory limit near their request: what a node promised twice, it takes back by killing.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set resources.limits.memory to at most the setting "ratio" times the request.',
    url: 'https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/',
    references: { checkov: ['CKV_K8S_13'], trivy: ['KSV-0018'] },
    settings: { ratio: { default: 2, description: 'How many times the request the limit may be' } },
    types: podBearing,
    judge: (subject) =>
      everyOwnContainer(podOf(subject), (container) => {
        const limit = container.at('resources.limits.memory');
        const request = container.at('resources.requests.memory');
        return all([
          limit.test((value) => quantity(value) !== null),
          when(request.exists(), () => within(limit, request, subject.settings.ratio)),
        ]);
      }),
  }),

  resourcePolicy({
    id: 'k8s-resource-ceiling',
    description: 'No container asks for more than a team means to pay: one figure too many buys a machine of its own.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Lower the requests, or raise the settings "cpu", "memory" and "storage" for the whole stack.',
    url: 'https://docs.cloud.google.com/kubernetes-engine/docs/concepts/autopilot-resource-requests',
    references: {},
    settings: {
      cpu: { default: '8', description: 'The most cpu that a container may ask for' },
      memory: { default: '32Gi', description: 'The most memory that a container may ask for' },
      storage: { default: '10Gi', description: 'The most ephemeral storage that a container may ask for' },
    },
    types: podBearing,
    judge: (subject) => {
      const ceilings = ceilingsOf(subject.settings);
      return everyOwnContainer(podOf(subject), (container) =>
        all(ceilings.map(([resource, most]) => below(askedOf(container, resource), most))),
      );
    },
  }),

  resourcePolicy({
    id: 'k8s-liveness-readiness',
    description: 'Lasting containers say whether they work and whether they can serve, by two different questions.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set livenessProbe and readinessProbe, with another path, port or command each.',
    url: 'https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/',
    references: { checkov: ['CKV_K8S_8', 'CKV_K8S_9'] },
    types: longRunning,
    judge: (subject) =>
      everyLastingContainer(podOf(subject), (container) =>
        all([container.at('livenessProbe').isFilled(), container.at('readinessProbe').isFilled(), differ(container)]),
      ),
  }),

  resourcePolicy({
    id: 'k8s-no-naked-pods',
    description: 'Pods have a controller that makes them again when their node goes.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Use a Deployment, StatefulSet, DaemonSet or Job.',
    url: 'https://kubernetes.io/docs/concepts/workloads/controllers/',
    references: {},
    types: /^kubernetes:(core\/v1:(Pod|ReplicationController)|(apps|extensions)\/v\w+:ReplicaSet)$/,
    judge: ({ at }) => at('metadata.ownerReferences').isFilled(),
  }),
];

/** A limit alone is its own request. */
function askedOf(container: Reading, resource: string): Reading {
  const asked = container.at(`resources.requests.${resource}`);
  return asked.state === 'absent' ? container.at(`resources.limits.${resource}`) : asked;
}

/** @throws Error for a setting that is no quantity: nothing would be too much. */
const ceilingsOf = (settings: Readonly<Record<'cpu' | 'memory' | 'storage', string>>) =>
  (
    [
      ['cpu', 'cpu'],
      ['memory', 'memory'],
      ['ephemeral-storage', 'storage'],
    ] as const
  ).map(([resource, setting]) => {
    const most = quantity(settings[setting]);
    if (most === null)
      throw new Error(`the setting "${setting}" is no quantity of Kubernetes: allowed are texts like 8, 500m, 32Gi`);
    return [resource, most] as const;
  });

const below = (asked: Reading, most: number): Answer =>
  when(asked.exists(), () => asked.test((value) => (quantity(value) ?? 0) <= most));

const within = (limit: Reading, request: Reading, ratio: number): Answer =>
  when(
    request.test(() => true),
    () =>
      limit.test((value) => (quantity(value) ?? Number.POSITIVE_INFINITY) <= ratio * (quantity(request.value) ?? 0)),
  );

/** The same question twice: a pod that cannot serve for a while is killed for it. */
const differ = (container: Reading): Answer => {
  const readiness = container.at('readinessProbe');
  const told = readiness.test(() => true);
  if (told.is === 'unknown') return told;
  return container
    .at('livenessProbe')
    .orElse({})
    .test((liveness) => told.is === 'no' || question(liveness) !== question(readiness.value));
};

/** What a probe asks, without how often. */
function question(probe: unknown): string {
  const { exec, grpc, httpGet, tcpSocket } = probe as Record<string, unknown>;
  return JSON.stringify([exec, grpc, httpGet, tcpSocket]);
}
