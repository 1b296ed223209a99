import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { storagePolicies } from '../../../policies/google-cloud/storage.ts';
import { prove } from '../support/prove.ts';

const on = 'gcp:storage/bucket:Bucket';

prove(storagePolicies, googleCloud.policies, [
  {
    policy: 'bucket-public-access-prevention',
    on,
    at: 'publicAccessPrevention',
    broken: [{ value: 'inherited' }],
    absent: 'fires',
  },
  { policy: 'bucket-uniform-access', on, at: 'uniformBucketLevelAccess', broken: [{ value: false }], absent: 'fires' },
  { policy: 'bucket-no-force-destroy', on, at: 'forceDestroy', broken: [{ value: true }], absent: 'passes' },
  {
    policy: 'bucket-versioning-or-retention',
    on,
    given: { 'softDeletePolicy.retentionDurationSeconds': 0 },
    at: 'versioning',
    broken: [{ value: { enabled: false } }],
    fine: [
      { set: { versioning: undefined, softDeletePolicy: undefined } },
      { set: { versioning: undefined, 'retentionPolicy.retentionPeriod': '604800' } },
    ],
    absent: 'fires',
  },
  { policy: 'bucket-lifecycle', on, at: 'lifecycleRules', broken: [{ value: [] }], unknown: 'passes', absent: 'fires' },
  {
    policy: 'bucket-access-logging',
    on,
    given: { 'logging.logBucket': 'logs-of-access' },
    at: 'logging.logBucket',
    broken: [{ value: '' }, { set: { name: 'logs-of-access' } }],
    unknown: 'passes',
    absent: 'fires',
  },
]);
