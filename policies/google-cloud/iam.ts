import { type Answer, all, answer, any, not, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { everyGrant, grantTypes, isNarrowed, isProgram, isServiceAgent, projectGrantTypes } from './grants.ts';

/** Who holds a role, and which. How programs prove who they are: identity.ts. */
export const iamPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'iam-no-public-members',
    description: 'No role goes to allUsers or allAuthenticatedUsers: both are everybody with an internet connection.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Grant the role to the service account or group that needs it.',
    url: 'https://cloud.google.com/iam/docs/principals-overview#all-users',
    references: {
      'cis-gcp-4': ['1.9', '5.1'],
      'cis-gcp-5': ['1.10', '5.1'],
      checkov: [
        'CKV_GCP_28',
        'CKV_GCP_99',
        'CKV_GCP_100',
        'CKV_GCP_101',
        'CKV_GCP_112',
        'CKV_GCP_113',
        'CKV2_GCP_6',
        'CKV2_GCP_8',
      ],
      trivy: ['GCP-0001', 'GCP-0046'],
    },
    types: grantTypes,
    judge: ({ at }) => everyGrant(at, ({ member }) => isNone(member, /^all(Authenticated)?Users$/i)),
  }),
  resourcePolicy({
    id: 'iam-no-basic-roles',
    description:
      'No basic role: owner, editor and viewer hold thousands of permissions over every product of a project.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Grant predefined roles of the products that are used, on the resources that are used.',
    url: 'https://cloud.google.com/iam/docs/roles-overview#basic',
    references: {
      'cis-gcp-4': ['1.5'],
      'cis-gcp-5': ['1.6'],
      checkov: ['CKV_GCP_42', 'CKV_GCP_49', 'CKV_GCP_115', 'CKV_GCP_116', 'CKV_GCP_117'],
      trivy: ['GCP-0007'],
    },
    types: grantTypes,
    judge: ({ at }) =>
      everyGrant(at, ({ role, member }) =>
        all([
          role.isNot(...basicRoles),
          // The same by the back door: "all editors of the project" as a member.
          isNone(member, /^project(Owner|Editor|Viewer):/),
        ]),
      ),
  }),
  resourcePolicy({
    id: 'iam-sa-no-admin-roles',
    description: 'No program administers a whole product of a project: who takes the program over would too.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Grant the role on the resource, or a role that only uses it. List the account that deploys in the setting accounts.',
    url: 'https://cloud.google.com/iam/docs/best-practices-service-accounts#privilege-escalation',
    references: {
      'cis-gcp-4': ['1.5'],
      'cis-gcp-5': ['1.6'],
      checkov: ['CKV_GCP_42'],
      trivy: ['GCP-0007'],
    },
    settings: {
      roles: {
        // It marks a firewall's tag as in use, for machines that do not exist yet: no permission over anything else.
        default: ['roles/resourcemanager.tagHoldAdmin'],
        description: 'Roles that end in Admin and may go to programs.',
      },
      accounts: {
        default: [],
        description:
          'Members that deploy and so administer, as serviceAccount:deployer@project.iam.gserviceaccount.com.',
      },
    },
    types: projectGrantTypes,
    judge: ({ at, settings }) =>
      everyGrant(at, ({ role, member }) =>
        any([
          not(isProgram(member), member.path),
          not(role.matches(/admin$/i), role.path),
          role.is(...settings.roles),
          member.is(...settings.accounts),
        ]),
      ),
  }),
  resourcePolicy({
    id: 'iam-no-default-service-accounts',
    description:
      'No grant to the default accounts of Compute Engine or App Engine: whatever runs without its own account is one.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Make a service account for the workload and grant the role to it.',
    url: 'https://cloud.google.com/iam/docs/service-account-types#default',
    references: {
      'cis-gcp-4': ['4.1'],
      'cis-gcp-5': ['4.1'],
      checkov: ['CKV_GCP_46', 'CKV_GCP_47', 'CKV_GCP_48'],
      trivy: ['GCP-0004', 'GCP-0006', 'GCP-0008'],
    },
    types: grantTypes,
    judge: ({ at }) =>
      everyGrant(at, ({ member }) =>
        isNone(member, /^serviceAccount:(\d+-compute@developer|[^@]+@appspot)\.gserviceaccount\.com$/),
      ),
  }),
  resourcePolicy({
    id: 'iam-no-consumer-accounts',
    description: 'No grant to a private mailbox: nobody takes it back when its owner leaves the company.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Grant the role to an account or group of the organisation.',
    url: 'https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains',
    references: { 'cis-gcp-4': ['1.1'], 'cis-gcp-5': ['1.2'], trivy: ['GCP-0069'] },
    types: grantTypes,
    judge: ({ at }) => everyGrant(at, ({ member }) => isNone(member, /@(gmail|googlemail)\.com$/i)),
  }),
  resourcePolicy({
    id: 'iam-no-direct-users',
    description: 'People hold roles through groups: membership has one owner and ends with the employment.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Grant the role to a group, or list the break-glass account in the setting members.',
    url: 'https://cloud.google.com/iam/docs/groups-best-practices',
    references: { trivy: ['GCP-0003'] },
    settings: { members: { default: [], description: 'Break-glass accounts, as user:name@example.com.' } },
    types: grantTypes,
    judge: ({ at, settings }) =>
      everyGrant(at, ({ member }) => any([isNone(member, /^user:/), member.is(...settings.members)])),
  }),
  resourcePolicy({
    id: 'iam-no-authoritative',
    description: 'Grants on a project are added one by one: a binding or a policy takes away what others have granted.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Use gcp.projects.IAMMember for each member.',
    url: 'https://www.pulumi.com/registry/packages/gcp/api-docs/projects/iammember/',
    references: {},
    types: projectGrantTypes,
    judge: ({ type }) => answer(/\/iAMMember:/.test(type), 'type'),
  }),
  resourcePolicy({
    id: 'iam-no-org-folder-grants',
    description: 'A stack grants nothing above its project: a mistake there reaches every project below.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Grant on the project or on the resource; leave folders and the organisation to the program that owns them.',
    url: 'https://cloud.google.com/iam/docs/resource-hierarchy-access-control',
    references: {
      checkov: ['CKV_GCP_44', 'CKV_GCP_45', 'CKV_GCP_115', 'CKV_GCP_116'],
      trivy: ['GCP-0004', 'GCP-0005', 'GCP-0008', 'GCP-0009'],
    },
    types: projectGrantTypes,
    judge: ({ type }) => answer(type.startsWith('gcp:projects/'), 'type'),
  }),
  resourcePolicy({
    id: 'iam-custom-role-safe',
    description: 'A custom role has no permission by which its holder gets every other, and no wildcard.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Take the permission out, or list it in the setting permissions with the reason beside it.',
    url: 'https://cloud.google.com/iam/docs/best-practices-service-accounts#privilege-escalation',
    references: {},
    settings: { permissions: { default: [], description: 'Permissions that custom roles of this stack may have.' } },
    types: ['gcp:projects/iAMCustomRole:IAMCustomRole'],
    judge: ({ at, settings }) =>
      at('permissions').every((permission) =>
        any([isNone(permission, escalating), permission.is(...settings.permissions)]),
      ),
  }),
  resourcePolicy({
    id: 'iam-resource-scoped',
    description:
      'Roles over data that can be granted on one secret, topic, bucket or key are: on the project they reach all.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Grant the role on the resource itself, or narrow it with a condition on resource.name.',
    url: 'https://cloud.google.com/iam/docs/resource-types-with-policies',
    references: {},
    types: projectGrantTypes,
    judge: ({ at }) =>
      everyGrant(at, ({ role, member, condition }) =>
        any([
          isNone(role, /^roles\/(secretmanager|pubsub|storage|cloudkms|artifactregistry|privateca)\./),
          isServiceAgent(member),
          isNarrowed(condition),
        ]),
      ),
  }),
];

/** Old and new names of the basic roles. */
const basicRoles = [
  'roles/owner',
  'roles/editor',
  'roles/viewer',
  'roles/admin',
  'roles/writer',
  'roles/reader',
] as const;

/** Each leads to other accounts' or the project's permissions, or to secrets' values. */
const escalating =
  /\*|\.setIamPolicy$|^iam\.serviceAccounts\.(actAs|getAccessToken|getOpenIdToken|implicitDelegation|signBlob|signJwt)$|^iam\.serviceAccountKeys\.(create|upload)$|^iam\.roles\.(create|update)$|^orgpolicy\.policy\.set$|^secretmanager\.versions\.access$|^deploymentmanager\.deployments\.create$|^cloudbuild\.builds\.create$/;

/** A known text that is not of this kind; nothing at all is of no kind. */
const isNone = (reading: Reading, pattern: RegExp): Answer =>
  when(reading.exists(), () => not(reading.matches(pattern), reading.path));
