import { encryptionPolicies } from '../../../policies/google-cloud/encryption.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const key = 'projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k';
const pool = { type: 'gcp:container/nodePool:NodePool', settings: { clusterMode: 'standard' } };
const filled = { unknown: 'passes', absent: 'fires' } as const;
/** The key of another resource of the program: not known in a preview, and there. */
const named = (policy: string, on: string, at: string) => ({
  policy,
  on,
  given: { [at]: key },
  at,
  broken: [{ value: '' }],
  ...filled,
});

prove(encryptionPolicies, googleCloud.policies, [
  {
    policy: 'gke-node-disk-cmek',
    on: pool,
    given: { 'nodeConfig.bootDiskKmsKey': key },
    at: 'nodeConfig.bootDiskKmsKey',
    broken: [{ value: '' }],
    ...filled,
  },
  {
    policy: 'gke-pd-cmek',
    on: fixture('kubernetes:storage.k8s.io/v1:StorageClass', {
      provisioner: 'pd.csi.storage.gke.io',
      parameters: { type: 'pd-balanced', 'disk-encryption-kms-key': key },
    }),
    at: 'parameters.disk-encryption-kms-key',
    broken: [{ value: '' }, { set: { parameters: undefined } }],
    fine: [{ set: { provisioner: 'filestore.csi.storage.gke.io', parameters: undefined } }],
    ...filled,
  },
  {
    ...named('sql-cmek', 'gcp:sql/databaseInstance:DatabaseInstance', 'encryptionKeyName'),
    fine: [{ set: { encryptionKeyName: undefined, masterInstanceName: 'primary' } }],
  },
  named('pubsub-topic-cmek', 'gcp:pubsub/topic:Topic', 'kmsKeyName'),
  {
    ...named('redis-cmek', 'gcp:memorystore/instance:Instance', 'kmsKey'),
    broken: [{ value: '' }, { resource: fixture('gcp:redis/cluster:Cluster', { replicaCount: 1 }) }],
    fine: [{ resource: fixture('gcp:redis/instance:Instance', { customerManagedKey: key }) }],
    // Caches of two products as they come: nothing else is set on them.
    along: ['redis-auth', 'redis-tls', 'redis-deletion-protection', 'redis-memory-bounded', 'redis-high-availability'],
  },
  {
    policy: 'secret-cmek',
    on: 'gcp:secretmanager/secret:Secret',
    given: { 'replication.userManaged.replicas[0].customerManagedEncryption.kmsKeyName': key },
    at: 'replication.userManaged.replicas[0].customerManagedEncryption.kmsKeyName',
    broken: [
      { set: { 'replication.userManaged.replicas[1]': { location: 'europe-west4' } } },
      { set: { replication: { auto: {} } } },
      { set: { replication: undefined } },
    ],
    fine: [{ set: { replication: { auto: { customerManagedEncryption: { kmsKeyName: key } } } } }],
    along: ['secret-replication-pinned'],
    ...filled,
  },
  named('bucket-cmek', 'gcp:storage/bucket:Bucket', 'encryption.defaultKmsKeyName'),
  named('ar-cmek', 'gcp:artifactregistry/repository:Repository', 'kmsKeyName'),
]);
