import { type Answer, all, any, not, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';

const roles = /^kubernetes:rbac\.authorization\.k8s\.io\/v\w+:(Cluster)?Role$/;
const clusterRoles = /^kubernetes:rbac\.authorization\.k8s\.io\/v\w+:ClusterRole$/;
const bindings = /^kubernetes:rbac\.authorization\.k8s\.io\/v\w+:(Cluster)?RoleBinding$/;
const goodPractices = 'https://kubernetes.io/docs/concepts/security/rbac-good-practices/';

export const rbacPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-rbac-no-wildcards',
    description: 'Roles name their verbs, resources and groups: a star also grants what a later version adds.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'List the verbs, resources and API groups that the program uses instead of a star.',
    url: goodPractices,
    references: {
      'cis-gke': ['4.1.3'],
      // A star holds what these forbid one by one.
      checkov: ['CKV_K8S_49', 'CKV_K8S_155', 'CKV_K8S_156', 'CKV_K8S_157', 'CKV_K8S_158'],
      trivy: ['KSV-0044', 'KSV-0045', 'KSV-0046', 'KSV-0112'],
    },
    types: roles,
    judge: ({ at }) =>
      at('rules').every((rule) =>
        all(
          ['apiGroups', 'resources', 'verbs', 'nonResourceURLs'].map((part) =>
            rule.at(part).every((name) => not(name.matches(/\*/), name.path)),
          ),
        ),
      ),
  }),

  resourcePolicy({
    id: 'k8s-rbac-no-escalation',
    description:
      'Roles hold no right that leads to more rights: acting as others, entering pods, making tokens, judging requests.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Remove bind, escalate, impersonate, pods/exec, pods/attach, nodes/proxy, serviceaccounts/token, webhooks and approvals.',
    url: goodPractices,
    references: {
      'cis-gke': ['4.1.7'],
      checkov: [
        'CKV_K8S_155',
        'CKV_K8S_156',
        'CKV_K8S_157',
        'CKV_K8S_158',
        'CKV2_K8S_1',
        'CKV2_K8S_2',
        'CKV2_K8S_3',
        'CKV2_K8S_4',
      ],
      trivy: [
        'KSV-0043',
        'KSV-0047',
        'KSV-0050',
        'KSV-0051',
        'KSV-0052',
        'KSV-0053',
        'KSV-0054',
        'KSV-0055',
        'KSV-0056',
        'KSV-0114',
      ],
    },
    types: roles,
    judge: ({ at }) =>
      at('rules').every((rule) =>
        all(escalations.map(({ verbs, resources }) => not(grants(rule, verbs, resources), rule.path))),
      ),
  }),

  resourcePolicy({
    id: 'k8s-rbac-no-secret-read',
    description: 'No role of the whole cluster reads secrets: whoever has it has every program of the cluster.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Grant secrets by a Role of the namespace, with resourceNames, or mount them instead.',
    url: goodPractices,
    references: { 'cis-gke': ['4.1.2'], checkov: ['CKV2_K8S_5'], trivy: ['KSV-0041', 'KSV-0113'] },
    types: clusterRoles,
    judge: ({ at }) =>
      at('rules').every((rule) =>
        any([
          not(grants(rule, ['get', 'list', 'watch'], ['secrets']), `${rule.path}.resources`),
          // A named secret can be got, while a list or a watch shows every one of the same kind in its answer's errors.
          all([rule.at('resourceNames').isFilled(), not(grants(rule, ['list', 'watch'], ['secrets']), rule.path)]),
        ]),
      ),
  }),

  resourcePolicy({
    id: 'k8s-rbac-no-cluster-admin',
    description: 'cluster-admin goes to named groups of people alone, and no program holds admin or edit.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Bind a role with the few rights that are used, or add the group to the setting "administrators".',
    url: goodPractices,
    references: { 'cis-gke': ['4.1.1'], trivy: ['KSV-0111'] },
    settings: {
      administrators: { default: [], description: 'Names of groups that may hold cluster-admin' },
    },
    types: bindings,
    judge: ({ at, settings: { administrators } }) => {
      const role = at('roleRef.name');
      const subjects = at('subjects');
      return all([
        when(role.is('cluster-admin'), () =>
          subjects.every((subject) => all([subject.at('kind').is('Group'), subject.at('name').is(...administrators)])),
        ),
        when(role.is('admin', 'edit'), () => subjects.every((subject) => subject.at('kind').isNot('ServiceAccount'))),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-default-account-idle',
    description:
      'The account default of a namespace holds no right and no token: every pod without an account of its own has it.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Bind roles to an account of the workload, and set automountServiceAccountToken to false on the account default.',
    url: goodPractices,
    references: { 'cis-gke': ['4.1.4'], checkov: ['CKV_K8S_41', 'CKV_K8S_42'] },
    types: /^kubernetes:(rbac\.authorization\.k8s\.io\/v\w+:(Cluster)?RoleBinding|core\/v1:ServiceAccount)$/,
    judge: ({ type, at }) =>
      type.endsWith('ServiceAccount')
        ? any([at('metadata.name').orElse('').isNot('default'), at('automountServiceAccountToken').is(false)])
        : at('subjects').every((subject) =>
            any([subject.at('kind').isNot('ServiceAccount'), subject.at('name').isNot('default')]),
          ),
  }),

  resourcePolicy({
    id: 'k8s-rbac-no-system-groups',
    description: 'Nothing is bound to everybody, to nobody, or to the group that no rule can hold back.',
    severity: 'critical',
    level: 'mandatory',
    remediation:
      'Bind to a named account or group, not to system:masters, system:anonymous, system:unauthenticated or system:authenticated.',
    url: goodPractices,
    references: {
      'cis-gke': ['4.1.6', '4.1.8', '4.1.9', '4.1.10'],
      checkov: ['CKV_K8S_68'],
      trivy: ['KSV-0122', 'KSV-0123', 'KSV-01011'],
    },
    types: bindings,
    judge: ({ at }) =>
      at('subjects').every((subject) =>
        subject
          .at('name')
          .isNot('system:masters', 'system:anonymous', 'system:unauthenticated', 'system:authenticated'),
      ),
  }),
];

/** Rights that lead to more rights. Empty `resources`: on whatever it is. */
const escalations: readonly { verbs: readonly string[]; resources: readonly string[] }[] = [
  { verbs: ['bind', 'escalate', 'impersonate'], resources: [] },
  { verbs: ['get', 'create'], resources: ['pods/exec', 'pods/attach', 'nodes/proxy'] },
  { verbs: ['create'], resources: ['serviceaccounts/token'] },
  { verbs: ['update', 'patch'], resources: ['pods/ephemeralcontainers', 'certificatesigningrequests/approval'] },
  { verbs: ['approve', 'sign'], resources: ['signers'] },
  {
    verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
    resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
  },
];

/**
 * Whether a rule grants one of the verbs on one of the resources. A star among verbs is each of them where a resource
 * is named; a star among resources is for `k8s-rbac-no-wildcards` alone, which would else never come alone.
 */
function grants(rule: Reading, verbs: readonly string[], resources: readonly string[]): Answer {
  const every = resources.length === 0 ? verbs : [...verbs, '*'];
  const granted = rule.at('verbs').some((verb) => verb.is(...every));
  if (resources.length === 0) return granted;
  return all([granted, rule.at('resources').some((resource) => resource.is(...resources))]);
}
