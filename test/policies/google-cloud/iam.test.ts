import { iamPolicies } from '../../../policies/google-cloud/iam.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const project = { type: 'gcp:projects/iAMMember:IAMMember', name: 'cluster-nodes-role' };
const app = 'serviceAccount:app@project-1.iam.gserviceaccount.com';
const binding = (type: string, role: string, members: unknown) => fixture(type, { role, members });
const policy = (type: string, bindings: unknown) => fixture(type, { policyData: JSON.stringify({ bindings }) });
const reader = 'roles/artifactregistry.reader';

prove(iamPolicies, googleCloud.policies, [
  {
    policy: 'iam-no-public-members',
    on: 'gcp:pubsub/topicIAMMember:TopicIAMMember',
    at: 'member',
    broken: [
      { value: 'allUsers' },
      { value: 'allAuthenticatedUsers' },
      { resource: binding('gcp:pubsub/topicIAMBinding:TopicIAMBinding', 'roles/pubsub.publisher', [app, 'allUsers']) },
      {
        resource: policy('gcp:cloudrunv2/serviceIamPolicy:ServiceIamPolicy', [
          { role: 'roles/run.viewer', members: [app] },
          { role: 'roles/run.invoker', members: ['allUsers'] },
        ]),
      },
    ],
    fine: [
      { resource: binding('gcp:pubsub/topicIAMBinding:TopicIAMBinding', 'roles/pubsub.publisher', [app]) },
      { resource: policy('gcp:cloudrunv2/serviceIamPolicy:ServiceIamPolicy', [{ role: 'roles/run.invoker' }]) },
      { value: 'group:allusers-of-the-app@example.com' },
    ],
    absent: 'passes',
  },
  {
    policy: 'iam-no-basic-roles',
    on: project,
    at: 'role',
    broken: [
      { value: 'roles/owner' },
      { value: 'roles/editor' },
      { value: 'roles/viewer' },
      { set: { member: 'projectEditor:project-1' } },
    ],
    fine: [{ value: 'roles/monitoring.viewer' }],
    absent: 'passes',
  },
  {
    policy: 'iam-sa-no-admin-roles',
    on: project,
    at: 'role',
    broken: [
      { value: 'roles/cloudsql.admin' },
      { value: 'roles/iam.serviceAccountAdmin' },
      { set: { role: 'roles/compute.networkAdmin', member: 'principalSet://iam.googleapis.com/p/attribute.a/b' } },
    ],
    fine: [
      { set: { role: 'roles/cloudsql.admin', member: 'group:operators@example.com' } },
      { value: 'roles/resourcemanager.tagHoldAdmin' },
      { value: 'roles/cloudsql.client' },
    ],
    absent: 'passes',
  },
  {
    policy: 'iam-no-default-service-accounts',
    on: project,
    at: 'member',
    broken: [
      { value: 'serviceAccount:123456789012-compute@developer.gserviceaccount.com' },
      { value: 'serviceAccount:project-1@appspot.gserviceaccount.com' },
    ],
    fine: [{ value: app }],
    absent: 'passes',
  },
  {
    policy: 'iam-no-consumer-accounts',
    on: project,
    at: 'member',
    broken: [{ value: 'group:friends@googlemail.com' }, { set: { member: 'user:someone@gmail.com' } }],
    fine: [{ value: 'group:gmail.com-migration@example.com' }],
    absent: 'passes',
    along: ['iam-human-grants-expire', 'iam-no-direct-users'],
  },
  {
    policy: 'iam-no-direct-users',
    along: ['iam-human-grants-expire'],
    on: project,
    at: 'member',
    broken: [{ value: 'user:someone@example.com' }],
    fine: [{ value: 'group:operators@example.com' }],
    absent: 'passes',
  },
  {
    policy: 'iam-no-authoritative',
    on: project,
    at: 'role',
    broken: [
      { resource: binding('gcp:projects/iAMBinding:IAMBinding', 'roles/monitoring.viewer', [app]) },
      { resource: policy('gcp:projects/iAMPolicy:IAMPolicy', []) },
    ],
    unknown: 'passes',
    absent: 'passes',
  },
  {
    policy: 'iam-no-org-folder-grants',
    on: project,
    at: 'role',
    broken: [
      {
        resource: fixture('gcp:folder/iAMMember:IAMMember', {
          folder: 'folders/1',
          role: reader,
          member: 'group:a@example.com',
        }),
      },
      {
        resource: fixture('gcp:organizations/iAMMember:IAMMember', { orgId: '1', role: 'roles/browser', member: app }),
      },
    ],
    unknown: 'passes',
    absent: 'passes',
    along: ['iam-resource-scoped'],
  },
  {
    policy: 'iam-custom-role-safe',
    on: fixture('gcp:projects/iAMCustomRole:IAMCustomRole', {
      permissions: ['secretmanager.secrets.get', 'secretmanager.secrets.list'],
    }),
    at: 'permissions',
    broken: [
      { value: ['*'] },
      { value: ['storage.buckets.get', 'storage.*'] },
      { value: ['secretmanager.versions.access'] },
      { value: ['iam.serviceAccounts.actAs'] },
      { value: ['resourcemanager.projects.setIamPolicy'] },
    ],
    fine: [{ value: ['iam.serviceAccounts.get', 'secretmanager.versions.add'] }],
    absent: 'passes',
  },
  {
    policy: 'iam-resource-scoped',
    on: project,
    at: 'role',
    broken: [{ value: 'roles/pubsub.publisher' }, { value: 'roles/storage.objectViewer' }],
    fine: [
      {
        set: {
          role: 'roles/storage.objectViewer',
          condition: { title: 'one bucket', expression: 'resource.name.startsWith("projects/_/buckets/b")' },
        },
      },
      {
        set: { role: 'roles/storage.admin', member: 'serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com' },
      },
    ],
    absent: 'passes',
  },
]);
