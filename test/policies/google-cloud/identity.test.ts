import { identityPolicies } from '../../../policies/google-cloud/identity.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const pool = 'iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci';

prove(identityPolicies, googleCloud.policies, [
  {
    policy: 'iam-no-service-account-keys',
    on: 'gcp:serviceaccount/account:Account',
    at: 'accountId',
    broken: [
      { resource: fixture('gcp:serviceaccount/key:Key', { serviceAccountId: 'app' }) },
      { resource: fixture('gcp:storage/hmacKey:HmacKey', { serviceAccountEmail: 'app@p.iam.gserviceaccount.com' }) },
    ],
    unknown: 'passes',
    absent: 'passes',
  },
  {
    policy: 'iam-no-project-impersonation',
    along: ['iam-human-grants-expire'],
    on: { type: 'gcp:projects/iAMMember:IAMMember', name: 'cluster-nodes-role' },
    at: 'role',
    broken: [
      { value: 'roles/iam.serviceAccountUser' },
      { value: 'roles/iam.serviceAccountTokenCreator' },
      { value: 'roles/iam.workloadIdentityUser' },
      { set: { role: 'roles/iam.serviceAccountOpenIdTokenCreator', member: 'group:developers@example.com' } },
    ],
    fine: [{ value: 'roles/iam.serviceAccountViewer' }],
    absent: 'passes',
  },
  {
    policy: 'iam-workload-identity-exact',
    on: { type: 'gcp:serviceaccount/iAMMember:IAMMember', name: 'workload-identities-api' },
    at: 'member',
    broken: [
      { value: 'serviceAccount:project-1.svc.id.goog[iot-prod/default]' },
      { value: 'serviceAccount:project-1.svc.id.goog[iot-prod/*]' },
      { value: `principalSet://${pool}/*` },
      { value: `principalSet://${pool}/attribute.repository/*` },
      { value: 'serviceAccount:other@project-1.iam.gserviceaccount.com' },
    ],
    fine: [
      { value: 'serviceAccount:example.com:project-1.svc.id.goog[default-ns/api-default]' },
      { value: `principalSet://${pool}/attribute.source/owner/name@refs/heads/main` },
      { value: `principal://${pool}/subject/repo:owner/name:ref:refs/heads/main` },
      { set: { role: 'roles/iam.serviceAccountUser', member: 'group:deployers@example.com' } },
    ],
    absent: 'fires',
  },
  {
    policy: 'iam-wif-provider-condition',
    on: fixture('gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider', {
      attributeCondition: 'assertion.repository == "owner/name" && assertion.ref == "refs/heads/main"',
      oidc: { issuerUri: 'https://token.actions.githubusercontent.com' },
    }),
    at: 'attributeCondition',
    broken: [
      { value: '' },
      { value: 'true' },
      { value: 'assertion.ref == "refs/heads/main"' },
      { value: 'assertion.repository == assertion.repository' },
      { set: { 'oidc.allowedAudiences': ['*'] } },
    ],
    fine: [
      { value: 'assertion.repository_owner_id in ["123"]' },
      { value: "google.subject.startsWith('repo:owner/name:')" },
      { set: { 'oidc.allowedAudiences': ['https://ci.example.com'] } },
      {
        set: { 'oidc.issuerUri': 'https://gitlab.example.com', attributeCondition: 'assertion.project_path == "a/b"' },
      },
    ],
    absent: 'fires',
  },
]);
