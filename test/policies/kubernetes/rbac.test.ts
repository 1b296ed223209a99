import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { rbacPolicies } from '../../../policies/kubernetes/rbac.ts';
import { fixture, prove } from '../support/prove.ts';

const group = 'kubernetes:rbac.authorization.k8s.io/v1';
const rules = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'update'] },
];
const role = fixture(`${group}:Role`, { metadata: { name: 'r', namespace: 'n' }, rules });
const clusterRole = fixture(`${group}:ClusterRole`, { metadata: { name: 'r' }, rules });
const binding = fixture(`${group}:ClusterRoleBinding`, {
  metadata: { name: 'b' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
  subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'n' }],
});
const rule = (resources: string[], verbs: string[], more: object = {}) => ({
  value: [...rules, { apiGroups: [''], resources, verbs, ...more }],
});

prove(rbacPolicies, kubernetes.policies, [
  {
    policy: 'k8s-rbac-no-wildcards',
    on: role,
    at: 'rules',
    broken: [
      rule(['*'], ['get']),
      rule(['configmaps'], ['*']),
      rule(['*/scale'], ['get']),
      rule(['configmaps'], ['get'], { apiGroups: ['*'] }),
      rule([], ['get'], { nonResourceURLs: ['/metrics/*'] }),
    ],
    absent: 'passes',
  },
  {
    policy: 'k8s-rbac-no-escalation',
    on: role,
    at: 'rules',
    along: ['k8s-rbac-no-wildcards'],
    broken: [
      rule(['roles'], ['bind']),
      rule(['clusterroles'], ['escalate']),
      rule(['users'], ['impersonate']),
      rule(['pods/exec'], ['create']),
      rule(['pods/exec'], ['*']),
      rule(['pods/attach'], ['get']),
      rule(['nodes/proxy'], ['get']),
      rule(['serviceaccounts/token'], ['create']),
      rule(['certificatesigningrequests/approval'], ['update']),
      rule(['pods/ephemeralcontainers'], ['patch']),
      rule(['validatingwebhookconfigurations'], ['delete']),
    ],
    fine: [
      rule(['pods/log', 'pods'], ['get', 'create']),
      rule(['nodes'], ['get']),
      rule(['serviceaccounts'], ['create']),
    ],
    absent: 'passes',
  },
  {
    policy: 'k8s-rbac-no-secret-read',
    on: clusterRole,
    at: 'rules',
    along: ['k8s-rbac-no-wildcards'],
    broken: [
      rule(['secrets'], ['get']),
      rule(['configmaps', 'secrets'], ['watch']),
      rule(['secrets'], ['*']),
      rule(['secrets'], ['list'], { resourceNames: ['one'] }),
    ],
    fine: [rule(['secrets'], ['get'], { resourceNames: ['one'] }), rule(['secrets'], ['create'])],
    absent: 'passes',
  },
  {
    policy: 'k8s-rbac-no-cluster-admin',
    on: binding,
    at: 'roleRef.name',
    broken: [
      { value: 'cluster-admin' },
      { value: 'admin' },
      { value: 'edit' },
      { set: { 'roleRef.name': 'cluster-admin', subjects: [{ kind: 'Group', name: 'everybody@example.com' }] } },
    ],
    fine: [{ set: { 'roleRef.name': 'edit', subjects: [{ kind: 'Group', name: 'developers@example.com' }] } }],
    absent: 'passes',
  },
  {
    policy: 'k8s-default-account-idle',
    on: binding,
    at: 'subjects[0].name',
    broken: [{ value: 'default' }, { resource: account('default', undefined) }, { resource: account('default', true) }],
    fine: [
      { resource: account('default', false) },
      { resource: account('web', undefined) },
      // A group may have any name.
      { set: { subjects: [{ kind: 'Group', name: 'default' }] } },
    ],
    absent: 'passes',
  },
  {
    policy: 'k8s-rbac-no-system-groups',
    on: binding,
    at: 'subjects[0].name',
    broken: ['masters', 'anonymous', 'unauthenticated', 'authenticated'].map((name) => ({ value: `system:${name}` })),
    fine: [{ value: 'system:serviceaccount:n:reader' }],
    absent: 'passes',
  },
]);

function account(name: string, automountServiceAccountToken: boolean | undefined) {
  return fixture('kubernetes:core/v1:ServiceAccount', {
    metadata: { name, namespace: 'n' },
    automountServiceAccountToken,
  });
}
