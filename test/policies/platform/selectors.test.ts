import { notKnownYet } from '../../../policies/framework/testing.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { selectorPolicies } from '../../../policies/platform/selectors.ts';
import { prove } from '../support/prove.ts';
import { edit } from './changes.ts';

const service = 'core/v1:Service';
const devices = 'workloads-devices-service';

prove(selectorPolicies, platform.policies, [
  {
    policy: 'stack-service-selects-pods',
    along: ['stack-deployment-has-pdb'],
    broken: {
      'a Service of nobody': edit(service, devices, { 'spec.selector': { app: 'nobody' } }),
      'a Service of another namespace': edit(service, devices, { 'metadata.namespace': 'other' }),
      'a port that nobody has': edit(service, devices, { 'spec.ports[0].targetPort': 'grpc' }),
      'a budget of nobody': edit('PodDisruptionBudget', 'api', { 'spec.selector.matchLabels': { app: 'nobody' } }),
      'an autoscaler of nobody': edit('HorizontalPodAutoscaler', 'api', { 'spec.scaleTargetRef.name': 'nobody' }),
      'an autoscaler of another kind': edit('HorizontalPodAutoscaler', 'api', {
        'spec.scaleTargetRef.kind': 'StatefulSet',
      }),
    },
    fine: { 'a port by number': edit(service, devices, { 'spec.ports[0].targetPort': 8081 }) },
    unknown: edit(service, devices, { 'spec.selector': { 'app.kubernetes.io/name': notKnownYet } }),
    absent: edit(service, devices, { 'spec.selector': undefined }),
    absentIs: 'passes',
  },
]);
