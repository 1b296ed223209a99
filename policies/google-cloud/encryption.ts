import { type Answer, all, any, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy, type Subject } from '../framework/policy.ts';
import { machines } from './gke-nodes.ts';

type Row = {
  id: string;
  /** What is encrypted, as the subject of a sentence. */
  what: string;
  /** Where the key is named. */
  path: string;
  level: 'low' | 'medium';
  url: string;
  gke?: string;
  checkov?: string;
  trivy?: string;
  types: readonly string[];
  /** Whether a key is named; without it: `path` is filled. */
  judge?: (subject: Subject) => Answer;
};

const cluster = 'gcp:container/cluster:Cluster';

/**
 * Google encrypts all of it with its own keys. One of the project's own can be taken back, and its use is on record; it
 * also is one more thing whose loss is the loss of the data. So each only advises.
 */
const rows: readonly Row[] = [
  {
    id: 'gke-node-disk-cmek',
    what: 'Boot disks of nodes are',
    path: 'nodeConfig.bootDiskKmsKey (Autopilot: clusterAutoscaling.autoProvisioningDefaults.bootDiskKmsKey)',
    level: 'medium',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/using-cmek',
    gke: '5.9.2',
    types: [cluster, 'gcp:container/nodePool:NodePool'],
    judge: (subject) =>
      all([
        machines(subject, (config) => config.at('bootDiskKmsKey').isFilled()),
        when(subject.at('enableAutopilot').is(true), () =>
          subject.at('clusterAutoscaling.autoProvisioningDefaults.bootDiskKmsKey').isFilled(),
        ),
      ]),
  },
  {
    id: 'gke-pd-cmek',
    what: 'Disks that a storage class of the Compute Engine driver makes are',
    path: 'parameters["disk-encryption-kms-key"]',
    level: 'medium',
    url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/using-cmek',
    gke: '5.9.1',
    types: ['kubernetes:storage.k8s.io/v1:StorageClass'],
    judge: ({ at }) =>
      when(at('provisioner').is('pd.csi.storage.gke.io'), () =>
        at('parameters').key('disk-encryption-kms-key').isFilled(),
      ),
  },
  {
    id: 'sql-cmek',
    what: 'A database and its backups are',
    path: 'encryptionKeyName',
    level: 'medium',
    url: 'https://cloud.google.com/sql/docs/postgres/cmek',
    types: ['gcp:sql/databaseInstance:DatabaseInstance'],
    // A replica has its primary's key.
    judge: ({ at }) => any([at('masterInstanceName').exists(), at('encryptionKeyName').isFilled()]),
  },
  {
    id: 'pubsub-topic-cmek',
    what: 'Messages of a topic are',
    path: 'kmsKeyName',
    level: 'medium',
    url: 'https://cloud.google.com/pubsub/docs/encryption',
    checkov: 'CKV_GCP_83',
    types: ['gcp:pubsub/topic:Topic'],
  },
  {
    id: 'redis-cmek',
    what: 'A cache is',
    path: 'kmsKey (Redis: customerManagedKey)',
    level: 'medium',
    url: 'https://cloud.google.com/memorystore/docs/valkey/about-cmek',
    types: ['gcp:memorystore/instance:Instance', 'gcp:redis/cluster:Cluster', 'gcp:redis/instance:Instance'],
    judge: ({ type, at }) => at(type.includes('redis/instance') ? 'customerManagedKey' : 'kmsKey').isFilled(),
  },
  {
    id: 'secret-cmek',
    what: 'Each copy of a secret is',
    path: 'customerManagedEncryption.kmsKeyName of each replica (replication.auto: its own)',
    level: 'medium',
    url: 'https://cloud.google.com/secret-manager/docs/cmek',
    types: ['gcp:secretmanager/secret:Secret'],
    judge: ({ at }) =>
      at('replication.auto').state === 'known'
        ? at('replication.auto.customerManagedEncryption.kmsKeyName').isFilled()
        : all([
            at('replication.userManaged.replicas').isFilled(),
            at('replication.userManaged.replicas').every((replica) =>
              replica.at('customerManagedEncryption.kmsKeyName').isFilled(),
            ),
          ]),
  },
  {
    id: 'bucket-cmek',
    what: 'Objects of a bucket are',
    path: 'encryption.defaultKmsKeyName',
    level: 'low',
    url: 'https://cloud.google.com/storage/docs/encryption/customer-managed-keys',
    trivy: 'GCP-0066',
    types: ['gcp:storage/bucket:Bucket'],
  },
  {
    id: 'ar-cmek',
    what: 'Images of a repository are',
    path: 'kmsKeyName',
    level: 'medium',
    url: 'https://cloud.google.com/artifact-registry/docs/cmek',
    checkov: 'CKV_GCP_84',
    types: ['gcp:artifactregistry/repository:Repository'],
  },
];

/** Keys of the project's own, where a product takes one. Whether its agent may use the key: the platform pack. */
export const encryptionPolicies: readonly Policy[] = rows.map((row) =>
  resourcePolicy({
    id: row.id,
    description: `${row.what} encrypted with a key that the project can take back.`,
    severity: row.level,
    level: 'advisory',
    remediation: `Set ${row.path} to a Cloud KMS key, and grant it to the agent of the product first.`,
    url: row.url,
    references: {
      ...(row.gke === undefined ? {} : { 'cis-gke': [row.gke] }),
      ...(row.checkov === undefined ? {} : { checkov: [row.checkov] }),
      ...(row.trivy === undefined ? {} : { trivy: [row.trivy] }),
    },
    types: row.types,
    judge: row.judge ?? (({ at }) => at(row.path).isFilled()),
  }),
);
