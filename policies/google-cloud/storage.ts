import { all, any, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import { day } from './durations.ts';

const bucket = ['gcp:storage/bucket:Bucket'];

export const storagePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'bucket-public-access-prevention',
    description: 'A bucket cannot be made public, by a grant or by a list of an object, now or later.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set publicAccessPrevention to enforced.',
    url: 'https://cloud.google.com/storage/docs/public-access-prevention',
    references: { 'cis-gcp-4': ['5.1'], 'cis-gcp-5': ['5.1'], checkov: ['CKV_GCP_114'] },
    types: bucket,
    judge: ({ at }) => at('publicAccessPrevention').is('enforced'),
    remedy: () => ({ publicAccessPrevention: 'enforced' }),
  }),
  resourcePolicy({
    id: 'bucket-uniform-access',
    description: 'IAM alone decides who reads a bucket: lists of single objects are where leaks hide.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set uniformBucketLevelAccess to true.',
    url: 'https://cloud.google.com/storage/docs/uniform-bucket-level-access',
    references: { 'cis-gcp-4': ['5.2'], 'cis-gcp-5': ['5.2'], checkov: ['CKV_GCP_29'], trivy: ['GCP-0002'] },
    types: bucket,
    judge: ({ at }) => at('uniformBucketLevelAccess').is(true),
  }),
  resourcePolicy({
    id: 'bucket-no-force-destroy',
    description: 'Deleting a bucket of production fails while there is something in it.',
    severity: 'medium',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Leave forceDestroy out.',
    url: 'https://www.pulumi.com/registry/packages/gcp/api-docs/storage/bucket/',
    references: {},
    types: bucket,
    judge: ({ at }) => at('forceDestroy').orElse(false).is(false),
  }),
  resourcePolicy({
    id: 'bucket-versioning-or-retention',
    description: 'What is overwritten or deleted can be had back: by versions, soft deletion or a retention policy.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Set versioning.enabled, or leave softDeletePolicy at a week or more, or set retentionPolicy.',
    url: 'https://cloud.google.com/storage/docs/control-data-lifecycles',
    references: { checkov: ['CKV_GCP_78'], trivy: ['GCP-0078'] },
    types: bucket,
    // Soft deletion lasts for a week where nobody says otherwise.
    judge: ({ at }) =>
      any([
        at('versioning.enabled').is(true),
        at('softDeletePolicy.retentionDurationSeconds')
          .orElse(7 * day)
          .atLeast(7 * day),
        at('retentionPolicy.retentionPeriod').atLeast(day),
      ]),
  }),
  resourcePolicy({
    id: 'bucket-lifecycle',
    description: 'Objects become cheaper and end: a bucket without rules only grows.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set lifecycleRules.',
    url: 'https://cloud.google.com/storage/docs/lifecycle',
    references: {},
    types: bucket,
    judge: ({ at }) => at('lifecycleRules').isFilled(),
  }),
  resourcePolicy({
    id: 'bucket-access-logging',
    description: 'Who reads and writes a bucket is on record, in a bucket apart.',
    severity: 'low',
    level: 'advisory',
    remediation:
      'Set logging.logBucket to another bucket, or switch data access logs of Cloud Storage on in the project.',
    url: 'https://cloud.google.com/storage/docs/access-logs',
    references: { checkov: ['CKV_GCP_62', 'CKV_GCP_63'], trivy: ['GCP-0077'] },
    types: bucket,
    judge: ({ at }) => {
      const [target, name] = [at('logging.logBucket'), at('name')];
      return all([
        target.isFilled(),
        target.state === 'known' && name.state === 'known' ? target.isNot(name.value) : yes,
      ]);
    },
  }),
];
