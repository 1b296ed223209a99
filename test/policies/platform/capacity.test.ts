import { notKnownYet } from '../../../policies/framework/testing.ts';
import { capacityPolicies } from '../../../policies/platform/capacity.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { adding, both, edit, without } from './changes.ts';

const quota = 'ResourceQuota';
const budget = 'PodDisruptionBudget';
const scaler = 'HorizontalPodAutoscaler';
const deployment = 'apps/v1:Deployment';
const pods = 'workloads-api-pods';

prove(capacityPolicies, platform.policies, [
  {
    policy: 'stack-namespace-has-quota',
    broken: {
      'no quota': without(quota),
      'no defaults': without('LimitRange'),
      'of another namespace': edit(quota, '', { 'metadata.namespace': 'other' }),
      'an empty one': edit(quota, '', { 'spec.hard': {} }),
    },
    unknown: edit(quota, '', { 'metadata.namespace': notKnownYet }),
    absent: edit(quota, '', { 'spec.hard': undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'stack-deployment-has-pdb',
    broken: {
      none: without(budget, 'api'),
      'of another namespace': edit(budget, 'api', { 'metadata.namespace': 'other' }),
      'one that lets nobody go': edit(budget, 'api', { spec: { maxUnavailable: 0, selector: selector('api') } }),
      'one that keeps all': edit(budget, 'api', { spec: { minAvailable: '100%', selector: selector('api') } }),
      two: adding('kubernetes:policy/v1:PodDisruptionBudget', {
        metadata: { namespace: 'iot-prod' },
        spec: { maxUnavailable: 1, selector: selector('api') },
      }),
    },
    fine: {
      'one pod needs none': both(without(budget, 'api'), edit(scaler, 'api', { 'spec.minReplicas': 1 })),
      'all but one stay': edit(budget, 'api', { spec: { minAvailable: 2, selector: selector('api') } }),
    },
    along: ['stack-service-selects-pods'],
    unknown: edit(budget, 'api', { 'spec.selector.matchLabels': notKnownYet }),
    absent: edit(budget, 'api', { 'spec.selector': undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'stack-hpa-consistent',
    broken: {
      'a fixed number beside it': edit(deployment, pods, { 'spec.replicas': 3 }),
      'bounds out of order': edit(scaler, 'api', { 'spec.maxReplicas': 1 }),
      'nothing to measure': edit(deployment, pods, { 'spec.template.spec.containers[0].resources': {} }),
    },
    along: ['stack-cost-ceiling'],
    unknown: edit(scaler, 'api', { 'spec.maxReplicas': notKnownYet }),
    absent: edit(scaler, 'api', { 'spec.maxReplicas': undefined }),
    absentIs: 'fires',
  },
]);

function selector(name: string) {
  return { matchLabels: { 'app.kubernetes.io/name': name } };
}
