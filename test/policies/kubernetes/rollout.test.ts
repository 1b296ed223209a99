import { notKnownYet } from '../../../policies/framework/testing.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { rolloutPolicies } from '../../../policies/kubernetes/rollout.ts';
import { fixture, prove } from '../support/prove.ts';

const on = { type: 'kubernetes:apps/v1:Deployment', name: 'gateway-pods' };
const pod = 'spec.template.spec';
const main = `${pod}.containers[0]`;

prove(rolloutPolicies, kubernetes.policies, [
  {
    policy: 'k8s-spread',
    on,
    at: `${pod}.topologySpreadConstraints`,
    broken: [{ value: [] }, { set: { [`${pod}.topologySpreadConstraints`]: undefined, 'spec.replicas': 3 } }],
    fine: [
      // One pod cannot be spread.
      { set: { [`${pod}.topologySpreadConstraints`]: undefined, 'spec.replicas': 1 } },
      {
        set: {
          [`${pod}.topologySpreadConstraints`]: undefined,
          [`${pod}.affinity.podAntiAffinity`]: { requiredDuringSchedulingIgnoredDuringExecution: [{}] },
        },
      },
    ],
    unknown: 'passes',
    absent: 'fires',
  },
  {
    policy: 'k8s-rolling-update',
    on,
    at: 'spec.strategy.rollingUpdate.maxUnavailable',
    broken: [
      { set: { 'spec.strategy': { type: 'Recreate' } } },
      { value: '100%' },
      { set: { 'spec.replicas': 2, 'spec.strategy.rollingUpdate.maxUnavailable': 2 } },
      { resource: workload('StatefulSet', { updateStrategy: { type: 'OnDelete' } }) },
      { resource: workload('DaemonSet', { updateStrategy: { rollingUpdate: { maxUnavailable: '100%' } } }) },
    ],
    along: kubernetes.policies.map(({ id }) => id),
    fine: [
      { value: '25%' },
      { set: { 'spec.strategy': undefined } },
      { set: { 'spec.replicas': 3, 'spec.strategy.rollingUpdate.maxUnavailable': 2 } },
      { resource: workload('StatefulSet', {}) },
    ],
    absent: 'passes',
  },
  {
    policy: 'k8s-termination-budget',
    on,
    at: `${pod}.terminationGracePeriodSeconds`,
    broken: [{ value: 0 }, { value: 601 }, { set: { [`${main}.lifecycle.preStop.sleep.seconds`]: 165 } }],
    fine: [
      { value: 600 },
      // The default of 30 seconds leaves 10.
      { value: undefined },
      { set: { [`${main}.lifecycle`]: undefined } },
    ],
    absent: 'passes',
  },
  {
    policy: 'k8s-priority-class',
    on,
    at: `${pod}.priorityClassName`,
    broken: [{ value: 'system-cluster-critical' }, { value: '' }],
    absent: 'fires',
  },
  {
    policy: 'k8s-labels',
    on,
    at: 'spec.template.metadata.labels',
    broken: [
      { value: {} },
      {
        value: {
          'app.kubernetes.io/name': 'gateway',
          'app.kubernetes.io/part-of': '',
          'app.kubernetes.io/managed-by': 'p',
        },
      },
    ],
    fine: [
      {
        value: {
          'app.kubernetes.io/name': notKnownYet,
          'app.kubernetes.io/part-of': 'iot-platform',
          'app.kubernetes.io/managed-by': 'pulumi',
        },
      },
    ],
    // Labels that are not known yet are labels; which ones they are is not.
    unknown: 'passes',
    absent: 'fires',
  },
]);

function workload(kind: string, spec: object) {
  return fixture(`kubernetes:apps/v1:${kind}`, { metadata: { namespace: 'n' }, spec });
}
