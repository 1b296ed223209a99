import { all, answer, any, not, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import { everyGrant, projectGrantTypes } from './grants.ts';

/** How programs prove who they are: no keys, no impersonation of everybody, federation that names its source. */
export const identityPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'iam-no-service-account-keys',
    description: 'No key files: they do not expire, are copied, and end up in the state. Workloads federate instead.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Use workload identity: of GKE in the cluster, workload identity federation elsewhere.',
    url: 'https://cloud.google.com/iam/docs/best-practices-for-managing-service-account-keys',
    references: { 'cis-gcp-4': ['1.4'], 'cis-gcp-5': ['1.5'], checkov: ['CKV2_GCP_3'] },
    types: /^gcp:(serviceaccount\/(account|key)|storage\/hmacKey):\w+$/,
    judge: ({ type }) => answer(type === 'gcp:serviceaccount/account:Account', 'type'),
  }),
  resourcePolicy({
    id: 'iam-no-project-impersonation',
    description:
      'Acting as a service account is granted on that account: on a project it is acting as any, the strongest included.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Use gcp.serviceaccount.IAMMember on the one account.',
    url: 'https://cloud.google.com/iam/docs/service-account-permissions',
    references: {
      'cis-gcp-4': ['1.6'],
      'cis-gcp-5': ['1.7'],
      checkov: ['CKV_GCP_41', 'CKV_GCP_44', 'CKV_GCP_45', 'CKV_GCP_49'],
      trivy: ['GCP-0005', 'GCP-0009', 'GCP-0011'],
    },
    types: projectGrantTypes,
    judge: ({ at }) => everyGrant(at, ({ role }) => role.isNot(...impersonation)),
  }),
  resourcePolicy({
    id: 'iam-workload-identity-exact',
    description:
      'Who may act as a service account by federation is one named identity: a service account of one namespace, a subject, or one value of an attribute.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Name serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME] with a name other than default, or principalSet://…/attribute.NAME/VALUE.',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity',
    references: { 'cis-gke': ['5.2.2'] },
    types: /^gcp:serviceaccount\/iAM(Member|Binding|Policy):\w+$/,
    judge: ({ at }) =>
      everyGrant(at, ({ role, member }) =>
        when(role.is('roles/iam.workloadIdentityUser'), () => any(exactIdentities.map((each) => member.matches(each)))),
      ),
  }),
  resourcePolicy({
    id: 'iam-wif-provider-condition',
    description:
      'A federation says whose tokens it takes: without a condition every repository of GitHub is as good as yours.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Set attributeCondition to compare an assertion with your repository or account; leave allowedAudiences out, so that only tokens for this provider count, or list your own.',
    url: 'https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines#conditions',
    references: { checkov: ['CKV_GCP_118', 'CKV_GCP_125'], trivy: ['GCP-0068'] },
    types: ['gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider'],
    judge: ({ at }) =>
      all([
        at('attributeCondition').matches(comparison),
        when(at('oidc.issuerUri').matches(/token\.actions\.githubusercontent\.com/), () =>
          at('attributeCondition').matches(/\b(repository(_owner)?(_id)?|assertion\.sub|google\.subject)\b/),
        ),
        at('oidc.allowedAudiences').every((audience) => not(audience.matches(/^\s*$|\*/), audience.path)),
      ]),
  }),
];

const impersonation = [
  'roles/iam.serviceAccountUser',
  'roles/iam.serviceAccountTokenCreator',
  'roles/iam.serviceAccountOpenIdTokenCreator',
  'roles/iam.workloadIdentityUser',
] as const;

/** https://cloud.google.com/iam/docs/principal-identifiers */
const exactIdentities = [
  /^serviceAccount:[a-z0-9:.-]+\.svc\.id\.goog\[[a-z0-9-]+\/(?!default\])[a-z0-9.-]+\]$/,
  /^principal:\/\/iam\.googleapis\.com\/.+\/subject\/[^*]+$/,
  /^principalSet:\/\/iam\.googleapis\.com\/.+\/(group|attribute\.\w+)\/[^*]+$/,
];

/** An assertion or attribute compared with a text: `assertion.repository == "owner/name"`. `true` is none. */
const comparison =
  /\b(assertion|attribute|google)\.\w+(\[[^\]]*\])?\s*(==|\bin\b)\s*["'[]|\b(assertion|attribute|google)\.\w+\.(startsWith|matches)\(\s*["'][^"']/;
