import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet, withValue } from '../../../policies/framework/testing.ts';
import { loggingPolicies } from '../../../policies/google-cloud/logging.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, prove } from '../support/prove.ts';

const sink = 'gcp:logging/projectSink:ProjectSink';
const bucket = 'gcp:storage/bucket:Bucket';
const config = 'gcp:projects/iAMAuditConfig:IAMAuditConfig';
const changed = (name: string, path: string, value: unknown) => (resources: RawResource[]) =>
  resources.map((each) => (each.name === name ? { ...each, props: withValue(each.props, path, value) } : each));
const kms = 'project-audit-cloudkms';

prove(loggingPolicies, googleCloud.policies, [
  {
    policy: 'iam-audit-config',
    broken: {
      'reading keys is not recorded': changed(kms, 'auditLogConfigs[0].logType', 'ADMIN_READ'),
      'somebody is left out': changed(kms, 'auditLogConfigs[1].exemptedMembers', ['user:someone@example.com']),
      'no configuration': (all) => all.filter(({ type }) => type !== config),
    },
    fine: {
      'everything is recorded': (all) => [
        ...all.filter(({ type }) => type !== config),
        fixture(config, {
          service: 'allServices',
          auditLogConfigs: ['ADMIN_READ', 'DATA_READ', 'DATA_WRITE'].map((logType) => ({ logType })),
        }),
      ],
    },
    unknown: changed(kms, 'auditLogConfigs', notKnownYet),
    absent: changed(kms, 'auditLogConfigs', undefined),
    absentIs: 'fires',
  },
  {
    policy: 'log-bucket-retention',
    on: 'gcp:logging/projectBucketConfig:ProjectBucketConfig',
    at: 'retentionDays',
    broken: [{ value: 7 }],
    fine: [{ value: 3650 }],
    absent: 'passes',
  },
  {
    policy: 'log-sink-writer-identity',
    on: 'gcp:logging/projectSink:ProjectSink',
    at: 'uniqueWriterIdentity',
    broken: [{ value: false }],
    absent: 'passes',
  },
  {
    policy: 'log-sink-all',
    on: (blueprint) => [...blueprint, fixture(sink, { destination: 'storage.googleapis.com/archive' })],
    broken: {
      'only some': changed('fixture', 'filter', 'severity>=ERROR'),
      'no sink': (all) => all.filter(({ type }) => type !== sink),
    },
    fine: { 'of the folder': (all) => [...all, fixture('gcp:logging/folderSink:FolderSink', { filter: '' })] },
    unknown: changed('fixture', 'filter', notKnownYet),
    absent: changed('fixture', 'filter', undefined),
    absentIs: 'passes',
  },
  {
    policy: 'bucket-log-lock',
    on: (blueprint) => changed('observability-logs-bucket', 'locked', true)([...blueprint]),
    broken: {
      'not locked': changed('observability-logs-bucket', 'locked', false),
      'a bucket that is not locked': (all) => [
        ...all,
        fixture(sink, {}, { name: 'export', propertyDependencies: { destination: ['urn:bucket'] } }),
        fixture(bucket, { retentionPolicy: { retentionPeriod: '1' } }, { urn: 'urn:bucket' }),
      ],
    },
    fine: {
      'a bucket that is locked': (all) => [
        ...all,
        fixture(sink, {}, { name: 'export', propertyDependencies: { destination: ['urn:bucket'] } }),
        fixture(bucket, { retentionPolicy: { isLocked: true } }, { urn: 'urn:bucket' }),
      ],
      'a topic': (all) => [
        ...all,
        fixture(sink, {}, { name: 'export', propertyDependencies: { destination: ['urn:topic'] } }),
        fixture('gcp:pubsub/topic:Topic', {}, { urn: 'urn:topic' }),
      ],
    },
    unknown: changed('observability-logs-bucket', 'locked', notKnownYet),
    absent: changed('observability-logs-bucket', 'locked', undefined),
    absentIs: 'fires',
    along: ['bucket-public-access-prevention', 'bucket-uniform-access', 'bucket-lifecycle'],
  },
]);
