import { type Answer, all, any, not, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy, type Subject } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { everyOwnContainer, podBearing, podOf } from './pods.ts';

const replicated = /^kubernetes:(apps|extensions)\/v\w+:(Deployment|StatefulSet)$/;
const replacing = /^kubernetes:(apps|extensions)\/v\w+:(Deployment|StatefulSet|DaemonSet)$/;

/** How a workload starts, is replaced and ends: what an upgrade of the nodes or a new version does to those it serves. */
export const rolloutPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-spread',
    description: 'Replicas are kept apart: without a rule the scheduler may put all of them on one node.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set topologySpreadConstraints over zones and hosts, or affinity.podAntiAffinity.',
    url: 'https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/',
    references: {},
    types: replicated,
    judge: (subject) => {
      const { spec } = podOf(subject);
      return any([
        // Without a number an autoscaler sets it.
        subject.at('spec.replicas').is(0, 1),
        spec.at('topologySpreadConstraints').isFilled(),
        spec.at('affinity.podAntiAffinity').isFilled(),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-rolling-update',
    description: 'A new version replaces the old one step by step, and never all replicas at once.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Use the strategy RollingUpdate with maxUnavailable below the number of replicas.',
    url: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy',
    references: {},
    types: replacing,
    judge: ({ type, at }) => {
      const strategy = at(type.endsWith(':Deployment') ? 'spec.strategy' : 'spec.updateStrategy');
      return all([
        strategy.at('type').orElse('RollingUpdate').is('RollingUpdate'),
        leavesSome(strategy.at('rollingUpdate.maxUnavailable'), at('spec.replicas')),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-termination-budget',
    description: 'Pods get time to end, and no more than an upgrade of a node waits for; a hook before it leaves some.',
    severity: 'low',
    level: 'advisory',
    remediation:
      'Set terminationGracePeriodSeconds between 1 and the setting "seconds", and any preStop sleep below it.',
    url: 'https://docs.cloud.google.com/kubernetes-engine/docs/concepts/cluster-upgrades#upgrade-process',
    references: {},
    settings: { seconds: { default: 600, description: 'How long a pod may take to end; Autopilot waits ten minutes' } },
    types: podBearing,
    judge: (subject) => {
      const pod = podOf(subject);
      // https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
      const grace = pod.spec.at('terminationGracePeriodSeconds').orElse(30);
      return all([
        grace.atLeast(1),
        grace.atMost(subject.settings.seconds),
        everyOwnContainer(pod, (container) => {
          const sleep = container.at('lifecycle.preStop.sleep.seconds');
          return when(sleep.exists(), () =>
            grace.state === 'unknown' ? grace.exists() : sleep.test((seconds) => Number(seconds) < Number(grace.value)),
          );
        }),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-priority-class',
    description:
      'Pods say how much they matter: when a node is full, the least important one goes. The classes of the cluster itself are not for workloads.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Make a PriorityClass and set priorityClassName; leave system-cluster-critical and its like alone.',
    url: 'https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/',
    references: {},
    types: podBearing,
    judge: (subject) =>
      podOf(subject)
        .spec.at('priorityClassName')
        .matches(/^(?!system-)./),
  }),

  resourcePolicy({
    id: 'k8s-labels',
    description: 'Pods have the common labels: dashboards, bills and whoever is on duty find them by these.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set each label of the setting "labels" on the pods, in the template where there is one.',
    url: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/',
    references: {},
    settings: {
      labels: {
        default: ['app.kubernetes.io/name', 'app.kubernetes.io/part-of', 'app.kubernetes.io/managed-by'],
        description: 'Labels that pods have',
      },
    },
    types: podBearing,
    judge: (subject) => labelled(subject, subject.settings.labels),
  }),
];

const labelled = (subject: Pick<Subject, 'type' | 'at'>, names: readonly string[]): Answer => {
  const labels = podOf(subject).metadata.at('labels');
  return all(names.map((name) => labels.key(name).isFilled()));
};

/** A share below the whole, or a number below that of the replicas where both are known. Absent is a quarter, or one. */
const leavesSome = (unavailable: Reading, replicas: Reading): Answer =>
  when(unavailable.exists(), () =>
    all([
      not(unavailable.matches(/^100%$/), unavailable.path),
      when(all([replicas.exists(), replicas.atLeast(1)]), () =>
        unavailable.test((most) => typeof most !== 'number' || most < Number(replicas.value)),
      ),
    ]),
  );
