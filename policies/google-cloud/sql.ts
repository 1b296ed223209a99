import { all, any, no, when, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import { isWorld, rangeOf } from './cidr.ts';

const instance = ['gcp:sql/databaseInstance:DatabaseInstance'];

/** Cloud SQL instances and their users; what the database engine logs is in `sql-flags.ts`. */
export const sqlPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'sql-no-public-ip',
    description: 'A database has no public address: a leaked password is then not enough to reach it.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Set settings.ipConfiguration.ipv4Enabled to false (left out, the instance gets a public address).',
    url: 'https://cloud.google.com/sql/docs/postgres/configure-ip',
    references: { 'cis-gcp-4': ['6.6'], 'cis-gcp-5': ['6.7'], checkov: ['CKV_GCP_60'], trivy: ['GCP-0017'] },
    types: instance,
    // The API's default is a public address: absent is a violation.
    judge: ({ at }) => at('settings.ipConfiguration.ipv4Enabled').is(false),
  }),
  resourcePolicy({
    id: 'sql-private-network',
    description: 'A database is reached over a private path: private services access or Private Service Connect.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set settings.ipConfiguration.privateNetwork, or pscConfigs with pscEnabled true.',
    url: 'https://cloud.google.com/sql/docs/postgres/private-ip',
    references: { 'cis-gcp-4': ['6.6'], 'cis-gcp-5': ['6.7'] },
    types: instance,
    judge: ({ at }) =>
      any([
        at('settings.ipConfiguration.privateNetwork').isFilled(),
        at('settings.ipConfiguration.pscConfigs').some((each) => each.at('pscEnabled').is(true)),
      ]),
  }),
  resourcePolicy({
    id: 'sql-no-world-authorized-networks',
    description:
      'No wide range of addresses may talk to a database, neither the world nor the world cut into pieces that fit.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Remove the range from settings.ipConfiguration.authorizedNetworks, or name the few addresses meant.',
    url: 'https://cloud.google.com/sql/docs/postgres/authorize-networks',
    references: { 'cis-gcp-4': ['6.5'], 'cis-gcp-5': ['6.5'], checkov: ['CKV_GCP_11'], trivy: ['GCP-0017'] },
    types: instance,
    settings: { widestPrefix: { default: 24, description: 'shortest IPv4 prefix that may be authorised' } },
    judge: ({ at, settings }) =>
      at('settings.ipConfiguration.authorizedNetworks').every((network) =>
        network.at('value').test((value) => {
          const range = rangeOf(value);
          return (
            range !== null && !isWorld([value]) && range.prefix >= (range.family === 4 ? settings.widestPrefix : 48)
          );
        }),
      ),
  }),
  resourcePolicy({
    id: 'sql-require-tls',
    description: 'Connections to a database are encrypted: the instance refuses those that are not.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set settings.ipConfiguration.sslMode to ENCRYPTED_ONLY or TRUSTED_CLIENT_CERTIFICATE_REQUIRED.',
    url: 'https://cloud.google.com/sql/docs/postgres/configure-ssl-instance',
    references: { 'cis-gcp-4': ['6.4'], 'cis-gcp-5': ['6.4'], checkov: ['CKV_GCP_6'], trivy: ['GCP-0015'] },
    types: instance,
    judge: ({ at }) =>
      at('settings.ipConfiguration.sslMode').is('ENCRYPTED_ONLY', 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED'),
  }),
  resourcePolicy({
    id: 'sql-mutual-tls-or-connector',
    description:
      'A client proves who it is before it may try a password: by its certificate, or through a connector that takes an IAM identity.',
    severity: 'medium',
    level: 'advisory',
    remediation:
      'Set settings.connectorEnforcement to REQUIRED, or ipConfiguration.sslMode to TRUSTED_CLIENT_CERTIFICATE_REQUIRED.',
    url: 'https://cloud.google.com/sql/docs/postgres/connect-connectors',
    references: {},
    types: instance,
    judge: ({ at }) =>
      any([
        at('settings.connectorEnforcement').is('REQUIRED'),
        at('settings.ipConfiguration.sslMode').is('TRUSTED_CLIENT_CERTIFICATE_REQUIRED'),
      ]),
  }),
  resourcePolicy({
    id: 'sql-backups-enabled',
    description: 'A database is backed up every day by the service.',
    severity: 'high',
    level: 'mandatory',
    // What an ephemeral environment holds is gone with it, and is wanted back by nobody.
    tiers: ['dev', 'staging', 'prod'],
    remediation: 'Set settings.backupConfiguration.enabled to true.',
    url: 'https://cloud.google.com/sql/docs/postgres/backup-recovery/backups',
    references: { 'cis-gcp-4': ['6.7'], 'cis-gcp-5': ['6.8'], checkov: ['CKV_GCP_14'], trivy: ['GCP-0024'] },
    types: instance,
    // A replica has no backups of its own.
    judge: ({ at }) =>
      when(at('masterInstanceName').isAbsent(), () => at('settings.backupConfiguration.enabled').is(true)),
  }),
  resourcePolicy({
    id: 'sql-point-in-time-recovery',
    description:
      'A database can be brought back to any minute of the past days, the one before a wrong delete included.',
    severity: 'medium',
    level: 'mandatory',
    // What an ephemeral environment holds is gone with it, and is wanted back by nobody.
    tiers: ['dev', 'staging', 'prod'],
    remediation: 'Set settings.backupConfiguration.pointInTimeRecoveryEnabled (binaryLogEnabled for MySQL) to true.',
    url: 'https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr',
    references: { checkov: ['CKV2_GCP_20'] },
    types: instance,
    judge: ({ at }) =>
      when(at('masterInstanceName').isAbsent(), () =>
        any([
          at('settings.backupConfiguration.pointInTimeRecoveryEnabled').is(true),
          at('settings.backupConfiguration.binaryLogEnabled').is(true),
        ]),
      ),
  }),
  resourcePolicy({
    id: 'sql-deletion-protection',
    description:
      'A production database survives a wrong destroy twice: the tool refuses to delete it, and so does the API for everybody else.',
    severity: 'high',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Set deletionProtection and settings.deletionProtectionEnabled to true.',
    url: 'https://cloud.google.com/sql/docs/postgres/deletion-protection',
    references: { 'cis-gcp-5': ['6.9'] },
    types: instance,
    judge: ({ at }) =>
      all([
        // The provider's default is true: https://www.pulumi.com/registry/packages/gcp/api-docs/sql/databaseinstance/
        at('deletionProtection').isNot(false),
        at('settings.deletionProtectionEnabled').is(true),
      ]),
  }),
  resourcePolicy({
    id: 'sql-high-availability',
    description: 'A production database outlives the loss of a zone.',
    severity: 'medium',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Set settings.availabilityType to REGIONAL.',
    url: 'https://cloud.google.com/sql/docs/postgres/high-availability',
    references: {},
    types: instance,
    judge: ({ at }) => when(at('masterInstanceName').isAbsent(), () => at('settings.availabilityType').is('REGIONAL')),
  }),
  resourcePolicy({
    id: 'sql-user-iam-or-secret',
    description:
      'A database user is an IAM identity, or its password is a write-only or generated one: none stands in the program.',
    severity: 'high',
    level: 'mandatory',
    remediation:
      'Use a CLOUD_IAM_ type, or passwordWo; a user that keeps a password is created outside of the program.',
    url: 'https://cloud.google.com/sql/docs/postgres/iam-authentication',
    references: { 'cis-gcp-4': ['6.1.1'], 'cis-gcp-5': ['6.1.1'], checkov: ['CKV2_GCP_7'] },
    types: ['gcp:sql/user:User'],
    // The policy host hands out secrets in clear, so that a literal cannot be told from a secret: a password property
    // that is known while the program is previewed is refused, one that another resource computes is not known then.
    judge: ({ at }) =>
      when(
        at('type')
          .orElse('BUILT_IN')
          .matches(/^(?!CLOUD_IAM_)/),
        () => (at('password').secret ? yes : at('password').state === 'known' ? no('password') : yes),
      ),
  }),
];
