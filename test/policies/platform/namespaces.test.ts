import { notKnownYet } from '../../../policies/framework/testing.ts';
import { namespacePolicies } from '../../../policies/platform/namespaces.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { adding, both, edit, without } from './changes.ts';

const policy = 'v1:NetworkPolicy';
const deny = 'namespace-deny';
const api = 'workloads-api-network';

prove(namespacePolicies, platform.policies, [
  {
    policy: 'stack-namespace-has-default-deny',
    broken: {
      'no policy': without(policy, deny),
      'another namespace': edit(policy, deny, { 'metadata.namespace': 'other' }),
      'an empty rule, which allows everything': edit(policy, deny, { 'spec.egress': [{}] }),
      'inwards only': edit(policy, deny, { 'spec.policyTypes': ['Ingress'] }),
      'some pods only': edit(policy, deny, { 'spec.podSelector': { matchLabels: { tier: 'web' } } }),
    },
    fine: {
      'one policy for each direction': both(
        edit(policy, deny, { 'spec.policyTypes': ['Ingress'] }),
        adding('kubernetes:networking.k8s.io/v1:NetworkPolicy', {
          metadata: { namespace: 'iot-prod' },
          spec: { podSelector: {}, policyTypes: ['Egress'] },
        }),
      ),
    },
    unknown: edit(policy, deny, { 'spec.egress': notKnownYet }),
    absent: edit(policy, deny, { 'spec.podSelector': undefined, 'spec.policyTypes': undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'stack-workload-has-network-policy',
    broken: {
      'no policy of its own': without(policy, api),
      'other labels': edit('apps/v1:Deployment', 'workloads-api', { 'spec.template.metadata.labels': { app: 'x' } }),
      'no names': edit(policy, api, { 'spec.egress': [{ ports: [{ port: 443 }] }] }),
      'a policy of another namespace': edit(policy, api, { 'metadata.namespace': 'other' }),
    },
    fine: { 'egress to everywhere has names too': edit(policy, api, { 'spec.egress': [{ to: [] }] }) },
    // A pod of other labels is no longer behind the address of EST, or a budget, either.
    along: ['stack-service-selects-pods', 'stack-device-service-tls-only', 'stack-deployment-has-pdb'],
    unknown: edit(policy, api, { 'spec.podSelector.matchLabels': notKnownYet }),
    absent: edit(policy, api, { 'spec.podSelector': undefined }),
    absentIs: 'fires',
  },
]);
