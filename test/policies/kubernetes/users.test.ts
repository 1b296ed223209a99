import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { userPolicies } from '../../../policies/kubernetes/users.ts';
import { prove } from '../support/prove.ts';

const on = { type: 'kubernetes:apps/v1:Deployment', name: 'gateway-pods' };
const pod = 'spec.template.spec';
const main = `${pod}.containers[0]`;

prove(userPolicies, kubernetes.policies, [
  {
    policy: 'k8s-high-uid',
    on,
    at: `${pod}.securityContext.runAsUser`,
    broken: [
      { value: 9_999 },
      { set: { [`${main}.securityContext.runAsUser`]: 1_000 } },
      { set: { [`${pod}.securityContext.runAsGroup`]: 0 } },
      { set: { [`${pod}.securityContext.runAsGroup`]: undefined } },
      { set: { [`${pod}.securityContext.fsGroup`]: 0 } },
      { set: { [`${pod}.securityContext.supplementalGroups`]: [10_000, 0] } },
    ],
    fine: [
      { value: 10_000 },
      { set: { [`${pod}.securityContext.fsGroup`]: undefined } },
      { set: { [`${pod}.securityContext.runAsUser`]: 1, [`${pod}.os.name`]: 'windows' } },
      { set: { [`${pod}.securityContext.supplementalGroups`]: [10_000] } },
    ],
    absent: 'fires',
  },
  {
    policy: 'k8s-no-host-aliases',
    on,
    at: `${pod}.hostAliases`,
    broken: [{ value: [{ ip: '10.0.0.1', hostnames: ['database'] }] }],
    fine: [{ value: [] }],
    absent: 'passes',
  },
]);
