import { all, answer, any, no } from '../framework/answer.ts';
import { type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Stack } from '../framework/stack.ts';

const audit = /^gcp:(projects\/iAMAuditConfig|folder\/iamAuditConfig|organizations\/iamAuditConfig):/;
const logBucket = 'gcp:logging/projectBucketConfig:ProjectBucketConfig';
const sink = 'gcp:logging/projectSink:ProjectSink';
/** Of a project, a folder, an organisation or a billing account. */
const sinks = /^gcp:logging\/\w+Sink:/;

export const loggingPolicies: readonly Policy[] = [
  stackPolicy({
    id: 'iam-audit-config',
    description:
      'Who looked at or changed keys, secrets, certificates and accounts is on record, and nobody is left out.',
    severity: 'medium',
    level: 'advisory',
    remediation:
      'Add gcp.projects.IAMAuditConfig with DATA_READ and DATA_WRITE for the services of the setting services (or allServices), without exemptedMembers.',
    url: 'https://cloud.google.com/logging/docs/audit/configure-data-access',
    references: { 'cis-gcp-4': ['2.1'], 'cis-gcp-5': ['2.1'], checkov: ['CKV2_GCP_5'], trivy: ['GCP-0079'] },
    settings: {
      services: {
        default: ['cloudkms', 'iam', 'privateca', 'secretmanager'].map((name) => `${name}.googleapis.com`),
        description: 'Services whose data access is recorded; all of them (CIS) is paid for by the reading.',
      },
    },
    judge: (stack, { services }) => [{ urn: null, answer: recorded(stack, services) }],
  }),
  resourcePolicy({
    id: 'log-bucket-retention',
    description: 'Logs of production are kept for 30 days at least: an intrusion is found late.',
    severity: 'medium',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Set retentionDays to the setting days or more.',
    url: 'https://cloud.google.com/logging/docs/buckets#custom-retention',
    references: {},
    settings: { days: { default: 30, description: 'Shortest time that logs are kept, in days.' } },
    types: [logBucket],
    // 30 days is what the API does without it.
    judge: ({ at, settings }) => at('retentionDays').orElse(30).atLeast(settings.days),
  }),
  resourcePolicy({
    id: 'log-sink-writer-identity',
    description: 'A sink writes with an identity of its own, so that its destination can be granted to it alone.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Leave uniqueWriterIdentity at true.',
    url: 'https://cloud.google.com/logging/docs/export/configure_export_v2#dest-auth',
    references: {},
    types: [sink],
    judge: ({ at }) => at('uniqueWriterIdentity').orElse(true).is(true),
  }),
  stackPolicy({
    id: 'log-sink-all',
    description: 'Production has a sink without a filter: a copy of every log entry that outlives the project.',
    severity: 'low',
    level: 'advisory',
    tiers: ['prod'],
    remediation: 'Add a sink without filter, to a bucket of another project, or one of the folder or organisation.',
    url: 'https://cloud.google.com/logging/docs/export/configure_export_v2',
    references: { 'cis-gcp-4': ['2.2'], 'cis-gcp-5': ['2.3'] },
    judge: (stack) => [
      {
        urn: null,
        answer: any([no('filter'), ...stack.ofType(sinks).map((each) => each.at('filter').orElse('').is(''))]),
      },
    ],
  }),
  stackPolicy({
    id: 'bucket-log-lock',
    description: 'Where logs are exported to, nobody can delete them before their time, an administrator included.',
    severity: 'medium',
    level: 'advisory',
    tiers: ['prod'],
    remediation: 'Set retentionPolicy.isLocked on the bucket (locked on a log bucket). It cannot be undone.',
    url: 'https://cloud.google.com/storage/docs/bucket-lock',
    references: { 'cis-gcp-4': ['2.3'], 'cis-gcp-5': ['2.4'], checkov: ['CKV2_GCP_4'] },
    judge: (stack) =>
      stack
        .ofType(sinks)
        .flatMap((each) => each.sourcesOf('destination'))
        .flatMap(({ type, urn, at }) => {
          if (type === logBucket) return [{ urn, answer: at('locked').is(true) }];
          return type === 'gcp:storage/bucket:Bucket' ? [{ urn, answer: at('retentionPolicy.isLocked').is(true) }] : [];
        }),
  }),
];

function recorded(stack: Stack, services: readonly string[]) {
  const configs = stack.ofType(audit);
  return all(
    services.flatMap((name) =>
      (['DATA_READ', 'DATA_WRITE'] as const).map((kind) =>
        any([
          no(`${name} ${kind}`),
          ...configs.map((config) =>
            all([
              config.at('service').is(name, 'allServices'),
              config
                .at('auditLogConfigs')
                .some((each) =>
                  all([
                    each.at('logType').is(kind),
                    answer(each.at('exemptedMembers').items().length === 0, each.path),
                  ]),
                ),
            ]),
          ),
        ]),
      ),
    ),
  );
}
