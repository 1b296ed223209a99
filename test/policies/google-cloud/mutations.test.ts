import { beforeAll, expect, test } from 'vitest';
import { said, withValue } from '../../../policies/framework/testing.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { blueprints } from '../support/blueprints.ts';
import { resourcesOf } from '../support/prove.ts';

/** A guarded property of a type, flipped or removed: exactly that policy fires, on each resource of each tier. */
type Mutation = readonly [
  policy: string,
  type: RegExp,
  path: string,
  value: unknown,
  more?: {
    /** Others that guard the same place. */
    along?: readonly string[];
    /** Which resources of the type the policy speaks about. */
    about?: (props: Readonly<Record<string, unknown>>) => boolean;
  },
];

const dataGrant = /^gcp:(projects|pubsub|kms|storage)\/\w*IAMMember:/;
const projectGrant = /^gcp:projects\/iAMMember:/;
const inwards = (props: Readonly<Record<string, unknown>>) => props['direction'] === 'INGRESS';
const letsIn = (props: Readonly<Record<string, unknown>>) => inwards(props) && props['action'] === 'allow';
const unprotected = (props: Readonly<Record<string, unknown>>) => props['deletionProtection'] !== true;
const clusters = /^gcp:container\/cluster:/;
const databases = /^gcp:sql\/databaseInstance:/;
const mutations: readonly Mutation[] = [
  ['iam-no-public-members', dataGrant, 'member', 'allUsers'],
  ['iam-no-basic-roles', projectGrant, 'role', 'roles/editor'],
  ['iam-sa-no-admin-roles', /^gcp:projects\/iAMMember:/, 'role', 'roles/cloudsql.admin'],
  ['iam-no-project-impersonation', projectGrant, 'role', 'roles/iam.serviceAccountTokenCreator'],
  ['iam-no-default-service-accounts', dataGrant, 'member', 'serviceAccount:1-compute@developer.gserviceaccount.com'],
  ['iam-no-consumer-accounts', projectGrant, 'member', 'group:a@gmail.com', { along: ['iam-human-grants-expire'] }],
  ['pubsub-least-role', /^gcp:pubsub\/\w+IAMMember:/, 'role', 'roles/pubsub.editor'],
  ['pubsub-push-oidc-https', /^gcp:pubsub\/subscription:/, 'pushConfig.pushEndpoint', 'http://example.com/'],
  ['pubsub-topic-region-pinned', /^gcp:pubsub\/topic:/, 'messageStoragePolicy', undefined],
  ['pubsub-subscription-no-expiry', /^gcp:pubsub\/subscription:/, 'expirationPolicy', undefined],
  ['redis-auth', /^gcp:memorystore\/instance:/, 'authorizationMode', 'AUTH_DISABLED'],
  ['redis-tls', /^gcp:memorystore\/instance:/, 'transitEncryptionMode', undefined],
  ['redis-high-availability', /^gcp:memorystore\/instance:/, 'replicaCount', 0],
  [
    'cas-pool-identity-constraints',
    /^gcp:certificateauthority\/caPool:/,
    'issuancePolicy.identityConstraints',
    undefined,
  ],
  ['cas-pool-key-types', /^gcp:certificateauthority\/caPool:/, 'issuancePolicy.allowedKeyTypes', undefined],
  ['cas-pool-publishing', /^gcp:certificateauthority\/caPool:/, 'publishingOptions.publishCaCert', false],
  ['cas-authority-key', /^gcp:certificateauthority\/authority:/, 'keySpec.algorithm', 'RSA_PKCS1_2048_SHA256'],
  ['cas-authority-protected', /^gcp:certificateauthority\/authority:/, 'deletionProtection', false],
  ['cas-requester-least', /^gcp:certificateauthority\/\w+IamMember:/, 'role', 'roles/privateca.caManager'],
  ['kms-destroy-delay', /^gcp:kms\/cryptoKey:/, 'destroyScheduledDuration', '86400s'],
  ['secret-delete-guard', /^gcp:secretmanager\/secret:/, 'versionDestroyTtl', '60s', { about: unprotected }],
  ['secret-replication-pinned', /^gcp:secretmanager\/secret:/, 'replication', { auto: {} }],
  ['bucket-public-access-prevention', /^gcp:storage\/bucket:/, 'publicAccessPrevention', 'inherited'],
  ['bucket-uniform-access', /^gcp:storage\/bucket:/, 'uniformBucketLevelAccess', undefined],
  ['bucket-no-force-destroy', /^gcp:storage\/bucket:/, 'forceDestroy', true],
  ['ar-reader-only', /^gcp:artifactregistry\/repositoryIamMember:/, 'role', 'roles/artifactregistry.writer'],
  ['ar-immutable-tags', /^gcp:artifactregistry\/repository:/, 'dockerConfig', undefined],
  [
    'ar-vulnerability-scanning',
    /^gcp:artifactregistry\/repository:/,
    'vulnerabilityScanningConfig.enablementConfig',
    'DISABLED',
  ],
  ['log-bucket-retention', /^gcp:logging\/projectBucketConfig:/, 'retentionDays', 1],
  ['log-sink-writer-identity', /^gcp:logging\/projectSink:/, 'uniqueWriterIdentity', false],
  ['gke-monitoring-components', clusters, 'monitoringConfig.enableComponents', ['POD']],
  ['gke-security-posture', clusters, 'securityPostureConfig.mode', 'DISABLED'],
  ['gke-binary-authorization', clusters, 'binaryAuthorization.evaluationMode', 'DISABLED'],
  ['gke-maintenance-window', clusters, 'maintenancePolicy', undefined],
  ['sql-server-ca-managed', databases, 'settings.ipConfiguration.serverCaMode', undefined],
  ['sql-backup-retention', databases, 'settings.backupConfiguration.backupRetentionSettings.retainedBackups', 1],
  ['sql-supported-version', databases, 'databaseVersion', 'POSTGRES_13'],
  ['sql-query-insights', databases, 'settings.insightsConfig', undefined],
  ['sql-storage-bounded', databases, 'settings.diskAutoresizeLimit', 0],
  ['sql-maintenance-window', databases, 'settings.maintenanceWindow', undefined],
  ['sql-tier-allowed', databases, 'settings.tier', 'db-f1-micro'],
  ['fw-explicit-target', /^gcp:compute\/networkFirewallPolicyRule:/, 'targetSecureTags', undefined, { about: letsIn }],
  ['fw-logging', /^gcp:compute\/networkFirewallPolicyRule:/, 'enableLogging', false, { about: inwards }],
  ['nat-subnets-listed', /^gcp:compute\/routerNat:/, 'sourceSubnetworkIpRangesToNat', 'ALL_SUBNETWORKS_ALL_IP_RANGES'],
  ['cert-managed', /^gcp:certificatemanager\/certificate:/, 'managed', undefined],
  ['pubsub-topic-retention', /^gcp:pubsub\/topic:/, 'messageRetentionDuration', undefined],
  ['pubsub-subscription-retry', /^gcp:pubsub\/subscription:/, 'retryPolicy', undefined],
  ['redis-version', /^gcp:memorystore\/instance:/, 'engineVersion', 'REDIS_6_X'],
  ['cas-pool-issuance-modes', /^gcp:certificateauthority\/caPool:/, 'issuancePolicy.allowedIssuanceModes', undefined],
];
const policies = googleCloud.policies.filter(({ kind }) => kind === 'resource');

beforeAll(blueprints, 300_000);

test.each(mutations.map((each) => [each[0], each] as const))('%s', async (policy, [, type, path, value, more = {}]) => {
  const { along = [], about = () => true } = more;
  let mutants = 0;
  for (const { tier, recording } of await blueprints()) {
    if (recording.mode !== 'up') continue;
    for (const resource of resourcesOf(recording).filter((each) => type.test(each.type))) {
      if (!about(resource.props)) continue;
      const before = said(policies, [resource]).fires;
      const after = said(policies, [{ ...resource, props: withValue(resource.props, path, value) }]).fires;
      const where = `${tier} ${resource.name} ${path}`;
      expect(after, where).toContain(policy);
      expect([policy, ...along], where).toEqual(expect.arrayContaining(after.filter((id) => !before.includes(id))));
      mutants++;
    }
  }
  expect(mutants).toBeGreaterThan(0);
});
