import { namespacePolicies } from '../../../policies/kubernetes/namespaces.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { prove } from '../support/prove.ts';

const labels = (enforce: string, version?: string) => ({
  value: {
    'pod-security.kubernetes.io/enforce': enforce,
    ...(version === undefined ? {} : { 'pod-security.kubernetes.io/enforce-version': version }),
  },
});

prove(namespacePolicies, kubernetes.policies, [
  {
    policy: 'k8s-namespace-pss-labels',
    on: 'kubernetes:core/v1:Namespace',
    at: 'metadata.labels',
    broken: [labels('baseline'), labels('privileged'), labels('restricted', 'v1.24'), { value: {} }],
    fine: [labels('restricted', 'latest'), labels('restricted', 'v1.34')],
    absent: 'fires',
  },
  {
    policy: 'k8s-no-default-namespace',
    on: 'kubernetes:core/v1:ServiceAccount',
    at: 'metadata.namespace',
    broken: [{ value: 'default' }, { value: 'kube-system' }, { value: '' }],
    fine: [{ value: 'default-services' }],
    absent: 'fires',
  },
]);
