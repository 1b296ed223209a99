import { expect, test } from 'vitest';
import { judgeResource, judgeStack } from '../../../policies/framework/judge.ts';
import { type RawResource, stackOf } from '../../../policies/framework/stack.ts';
import { fixture, inProduction } from '../../../policies/framework/testing.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { recordEnvironment } from '../../infra/support/environments.ts';
import { resourcesOf } from '../support/prove.ts';

const app = 'serviceAccount:app@project-1.iam.gserviceaccount.com';
const project = 'gcp:projects/iAMMember:IAMMember';
const day = 86_400;

/** Paths at which a policy is broken under a team's settings. */
function broken(id: string, resource: RawResource, settings: Record<string, unknown>): number {
  const policy = googleCloud.policies.find((each) => each.id === id);
  if (policy === undefined) throw new Error(`no policy ${id}`);
  const verdict =
    policy.kind === 'stack'
      ? judgeStack(policy, stackOf([resource], inProduction), settings)
      : judgeResource(policy, resource, settings);
  return verdict?.violations.length ?? 0;
}

const pool = (issuancePolicy: object) =>
  fixture('gcp:certificateauthority/caPool:CaPool', { tier: 'DEVOPS', issuancePolicy });
const key = fixture('gcp:kms/cryptoKey:CryptoKey', {
  rotationPeriod: `${60 * day}s`,
  destroyScheduledDuration: `${60 * day}s`,
});
const authority = fixture('gcp:certificateauthority/authority:Authority', { lifetime: `${8 * 365 * day}s` });
const subordinate = fixture('gcp:certificateauthority/authority:Authority', {
  ...authority.props,
  type: 'SUBORDINATE',
});
const grant = (type: string, role: string, member = app) => fixture(type, { role, member });
const repository = 'gcp:artifactregistry/repositoryIamMember:RepositoryIamMember';

/** Each setting of a policy with a value under which the resource is compliant, and one under which it is not. */
test.each<[string, string, RawResource, unknown, unknown]>([
  ['iam-sa-no-admin-roles', 'accounts', grant(project, 'roles/dns.admin'), [app], ['serviceAccount:other']],
  ['iam-sa-no-admin-roles', 'roles', grant(project, 'roles/dns.admin'), ['roles/dns.admin'], []],
  [
    'iam-no-direct-users',
    'members',
    grant(project, 'roles/dns.reader', 'user:a@example.com'),
    ['user:a@example.com'],
    [],
  ],
  [
    'iam-custom-role-safe',
    'permissions',
    fixture('gcp:projects/iAMCustomRole:IAMCustomRole', { permissions: ['iam.serviceAccounts.actAs'] }),
    ['iam.serviceAccounts.actAs'],
    [],
  ],
  [
    'pubsub-least-role',
    'roles',
    grant('gcp:pubsub/topicIAMMember:TopicIAMMember', 'roles/pubsub.viewer'),
    ['roles/pubsub.viewer'],
    ['roles/pubsub.publisher'],
  ],
  [
    'pubsub-topic-region-pinned',
    'regions',
    fixture('gcp:pubsub/topic:Topic', {
      messageStoragePolicy: { allowedPersistenceRegions: ['europe-west1', 'europe-west4'], enforceInTransit: true },
    }),
    ['europe-west1', 'europe-west4'],
    ['europe-west1'],
  ],
  ['cas-pool-tier', 'shortLivedHours', pool({ maximumLifetime: '259200s' }), 72, 71],
  [
    'cas-pool-max-lifetime',
    'leafDays',
    pool({ maximumLifetime: `${30 * day}s`, baselineValues: { caOptions: { nonCa: true } } }),
    30,
    29,
  ],
  ['cas-pool-max-lifetime', 'caDays', pool({ maximumLifetime: `${1_000 * day}s` }), 1_000, 999],
  ['cas-authority-lifetime', 'rootYears', authority, 8, 7],
  ['cas-authority-lifetime', 'subordinateYears', subordinate, 8, 7],
  [
    'cas-requester-least',
    'roles',
    grant('gcp:certificateauthority/caPoolIamMember:CaPoolIamMember', 'roles/privateca.caManager'),
    ['roles/privateca.caManager'],
    ['roles/privateca.certificateRequester'],
  ],
  ['kms-rotation-90d', 'days', key, 60, 59],
  ['kms-destroy-delay', 'days', key, 60, 61],
  ['ar-reader-only', 'writers', grant(repository, 'roles/artifactregistry.writer'), [app], []],
  [
    'iam-audit-config',
    'services',
    fixture('gcp:projects/iAMAuditConfig:IAMAuditConfig', {
      service: 'dns.googleapis.com',
      auditLogConfigs: [{ logType: 'DATA_READ' }, { logType: 'DATA_WRITE' }],
    }),
    ['dns.googleapis.com'],
    ['dns.googleapis.com', 'iam.googleapis.com'],
  ],
  [
    'log-bucket-retention',
    'days',
    fixture('gcp:logging/projectBucketConfig:ProjectBucketConfig', { retentionDays: 90 }),
    90,
    91,
  ],
])('%s: %s', (id, setting, resource, fine, strict) => {
  expect(broken(id, resource, { [setting]: fine })).toBe(0);
  expect(broken(id, resource, { [setting]: strict })).toBe(1);
});

test('the account that deploys is the only program of the blueprint that administers, and says so in a setting', async () => {
  const ci = { repository: 'owner/name', branch: 'main' };
  const resources = resourcesOf(await recordEnvironment({ tier: 'dev', settings: { ci } }));
  const deployer = resources.find(({ name }) => name === 'deployer-account')?.props['accountId'];
  const settings: Record<string, Record<string, unknown>> = {
    'iam-sa-no-admin-roles': { accounts: [`serviceAccount:${deployer}@iot-dev-1.iam.gserviceaccount.com`] },
    'iam-custom-role-safe': { permissions: ['secretmanager.secrets.setIamPolicy'] },
  };
  for (const [id, given] of Object.entries(settings)) {
    expect(
      resources.reduce((sum, each) => sum + broken(id, each, {}), 0),
      id,
    ).toBeGreaterThan(0);
    expect(
      resources.reduce((sum, each) => sum + broken(id, each, given), 0),
      id,
    ).toBe(0);
  }
  const provider = 'gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider';
  const found = resources.filter(({ type }) => type === provider);
  expect(found.map((each) => broken('iam-wif-provider-condition', each, {}))).toEqual([0]);
});
