import { notKnownYet } from '../../../policies/framework/testing.ts';
import { keysAndSecretsPolicies } from '../../../policies/google-cloud/keys-and-secrets.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const key = 'gcp:kms/cryptoKey:CryptoKey';
const secret = 'gcp:secretmanager/secret:Secret';
const app = 'serviceAccount:app@project-1.iam.gserviceaccount.com';
const accessor = 'roles/secretmanager.secretAccessor';

prove(keysAndSecretsPolicies, googleCloud.policies, [
  {
    policy: 'kms-rotation-90d',
    on: { type: key, name: 'keys-cluster-secrets' },
    at: 'rotationPeriod',
    broken: [{ value: '7776001s' }, { value: '31536000s' }, { set: { rotationPeriod: undefined, purpose: undefined } }],
    fine: [{ value: '2592000s' }, { set: { rotationPeriod: undefined, purpose: 'ASYMMETRIC_SIGN' } }],
    absent: 'fires',
    along: ['kms-hsm'],
  },
  {
    policy: 'kms-destroy-delay',
    on: key,
    at: 'destroyScheduledDuration',
    broken: [{ value: '86400s' }],
    fine: [{ value: '10368000s' }],
    absent: 'passes',
  },
  {
    policy: 'kms-protect',
    on: fixture(key, { purpose: 'ENCRYPT_DECRYPT', rotationPeriod: '7776000s', deletionPolicy: 'PREVENT' }),
    at: 'deletionPolicy',
    broken: [{ value: 'DELETE' }, { value: 'ABANDON' }],
    fine: [{ resource: fixture(key, { rotationPeriod: '7776000s', deletionPolicy: 'DELETE' }, { protect: true }) }],
    absent: 'fires',
  },
  {
    policy: 'kms-hsm',
    on: { type: key, name: 'keys-firmware' },
    at: 'versionTemplate.protectionLevel',
    broken: [{ value: 'SOFTWARE' }],
    fine: [
      { value: 'EXTERNAL' },
      { set: { purpose: 'ENCRYPT_DECRYPT', rotationPeriod: '7776000s', versionTemplate: undefined } },
    ],
    absent: 'fires',
  },
  {
    policy: 'secret-value-not-in-state',
    on: fixture('gcp:secretmanager/secretVersion:SecretVersion', {
      secret: 's',
      secretDataWo: 'written',
      secretDataWoVersion: 1,
    }),
    at: 'secretDataWo',
    broken: [
      { set: { secretData: 'kept' } },
      // Not known yet, and in the program all the same.
      { set: { secretData: notKnownYet } },
      { resource: fixture('gcp:secretmanager/regionalSecretVersion:RegionalSecretVersion', { secretData: 'kept' }) },
    ],
    unknown: 'passes',
    absent: 'passes',
  },
  {
    policy: 'secret-accessor-scoped',
    on: { type: 'gcp:secretmanager/secretIamMember:SecretIamMember', name: 'secrets-issuer-keys-api-secretAccessor' },
    at: 'member',
    broken: [
      { value: 'group:developers@example.com' },
      { value: 'principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*' },
      { resource: fixture('gcp:projects/iAMMember:IAMMember', { role: accessor, member: app }) },
      {
        resource: fixture('gcp:projects/iAMMember:IAMMember', {
          role: 'roles/secretmanager.admin',
          member: 'group:security@example.com',
        }),
      },
    ],
    fine: [
      // The one-time code of the first administrator is for people.
      { set: { secretId: 'prod-first-administrator', member: 'group:operations@example.com' } },
      { set: { role: 'roles/secretmanager.viewer', member: 'group:developers@example.com' } },
      {
        resource: fixture('gcp:projects/iAMMember:IAMMember', {
          role: accessor,
          member: app,
          condition: { title: 'one', expression: 'resource.name.startsWith("projects/1/secrets/one/")' },
        }),
      },
    ],
    absent: 'fires',
    along: ['iam-resource-scoped', 'iam-human-grants-expire'],
  },
  {
    policy: 'secret-replication-pinned',
    on: secret,
    at: 'replication.userManaged.replicas',
    broken: [{ value: [] }, { set: { replication: { auto: {} } } }],
    fine: [{ value: [{ location: 'europe-west1' }, { location: 'europe-west4' }] }],
    unknown: 'passes',
    absent: 'fires',
  },
  {
    policy: 'secret-rotation',
    on: 'gcp:secretmanager/secret:Secret',
    given: { 'rotation.rotationPeriod': '7776000s', topics: [{ name: 'projects/p/topics/t' }] },
    at: 'rotation.rotationPeriod',
    broken: [{ value: '31536000s' }, { set: { topics: undefined } }, { set: { rotation: undefined } }],
    absent: 'fires',
  },
  {
    policy: 'secret-delete-guard',
    on: secret,
    given: { deletionProtection: false },
    at: 'versionDestroyTtl',
    broken: [{ value: '3600s' }],
    fine: [{ set: { versionDestroyTtl: undefined, deletionProtection: true } }],
    absent: 'fires',
  },
]);
