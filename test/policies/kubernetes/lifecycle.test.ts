import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet, withValue } from '../../../policies/framework/testing.ts';
import { lifecyclePolicies } from '../../../policies/kubernetes/lifecycle.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const deployment = 'kubernetes:apps/v1:Deployment';
const autoscaler = 'kubernetes:autoscaling/v2:HorizontalPodAutoscaler';
const changed = (type: string, path: string, value: unknown) => (resources: RawResource[]) =>
  resources.map((each) => (each.type === type ? { ...each, props: withValue(each.props, path, value) } : each));
const without = (type: string) => (resources: RawResource[]) => resources.filter((each) => each.type !== type);

prove(lifecyclePolicies, kubernetes.policies, [
  {
    policy: 'k8s-replicas-min',
    broken: {
      'autoscalers that go down to one': changed(autoscaler, 'spec.minReplicas', 1),
      'nobody who scales': without(autoscaler),
      'one replica, and nobody who scales': (resources) =>
        changed(deployment, 'spec.replicas', 1)(without(autoscaler)(resources)),
      'autoscalers of other workloads': changed(autoscaler, 'spec.scaleTargetRef.kind', 'StatefulSet'),
      'autoscalers of another namespace': changed(autoscaler, 'metadata.namespace', 'other'),
    },
    fine: {
      'replicas of its own': (resources) => changed(deployment, 'spec.replicas', 2)(without(autoscaler)(resources)),
    },
    unknown: changed(autoscaler, 'spec.minReplicas', notKnownYet),
    absent: changed(autoscaler, 'spec.minReplicas', undefined),
    absentIs: 'fires',
  },
  {
    policy: 'k8s-no-deprecated-api',
    on: autoscaler,
    at: 'apiVersion',
    broken: [
      ...[
        'autoscaling/v2beta2:HorizontalPodAutoscaler',
        'policy/v1beta1:PodDisruptionBudget',
        'networking.k8s.io/v1beta1:Ingress',
        'batch/v1beta1:CronJob',
        'storage.k8s.io/v1beta1:StorageClassPatch',
        'flowcontrol.apiserver.k8s.io/v1beta3:FlowSchema',
      ].map((type) => ({ resource: fixture(`kubernetes:${type}`, {}) })),
    ],
    along: kubernetes.policies.map(({ id }) => id),
    fine: [
      { resource: fixture('kubernetes:autoscaling/v1:HorizontalPodAutoscaler', { metadata: { namespace: 'n' } }) },
      // Of a version whose older kinds are gone.
      { resource: fixture('kubernetes:networking.k8s.io/v1beta1:IPAddress', {}) },
      { resource: fixture('kubernetes:networking.gke.io/v1beta1:FrontendConfig', {}) },
    ],
    // The type says it, whatever the property does.
    unknown: 'passes',
    absent: 'passes',
  },
]);
