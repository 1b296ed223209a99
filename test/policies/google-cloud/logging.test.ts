import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet, withValue } from '../../../policies/framework/testing.ts';
import { loggingPolicies } from '../../../policies/google-cloud/logging.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { fixture, prove } from '../support/prove.ts';

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
]);
