import { type Answer, all, any, not, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, refersTo, some } from '../framework/relations.ts';

const type = 'gcp:sql/databaseInstance:DatabaseInstance';
const instance = [type];
/** A replica is backed up, restored and measured with its primary. */
const isReplica = (at: (path: string) => Reading): Answer => at('masterInstanceName').exists();

/** How Cloud SQL instances are run: versions, sizes, backups, windows and passwords. */
export const sqlOperationsPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'sql-server-ca-managed',
    description: 'The certificate of a database comes from a CA that rotates by itself, not from one made once for it.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set settings.ipConfiguration.serverCaMode to GOOGLE_MANAGED_CAS_CA or CUSTOMER_MANAGED_CAS_CA.',
    url: 'https://cloud.google.com/sql/docs/postgres/manage-ssl-instance',
    references: {},
    types: instance,
    judge: ({ at }) =>
      at('settings.ipConfiguration.serverCaMode').is('GOOGLE_MANAGED_CAS_CA', 'CUSTOMER_MANAGED_CAS_CA'),
  }),
  resourcePolicy({
    id: 'sql-backup-retention',
    description: 'Backups and the log of changes reach back a week at least: a wrong delete is noticed late.',
    severity: 'medium',
    level: 'advisory',
    remediation:
      'Set backupRetentionSettings.retainedBackups and transactionLogRetentionDays in settings.backupConfiguration to 7 or more.',
    url: 'https://cloud.google.com/sql/docs/postgres/backup-recovery/backups',
    references: {},
    settings: {
      backups: { default: 7, description: 'Fewest backups that are kept.' },
      logDays: { default: 7, description: 'Fewest days to whose every minute the database can be brought back.' },
    },
    types: instance,
    // The API keeps seven of both where nothing is said.
    judge: ({ at, settings }) =>
      any([
        isReplica(at),
        all([
          at('settings.backupConfiguration.backupRetentionSettings.retainedBackups')
            .orElse(7)
            .atLeast(settings.backups),
          at('settings.backupConfiguration.transactionLogRetentionDays').orElse(7).atLeast(settings.logDays),
        ]),
      ]),
  }),
  resourcePolicy({
    id: 'sql-supported-version',
    description: 'A database runs a version that its makers still mend for years, not months.',
    severity: 'low',
    level: 'mandatory',
    remediation:
      'Set databaseVersion to POSTGRES_15, MYSQL_8_0 or SQLSERVER_2019 at least, after trying it on a clone.',
    url: 'https://cloud.google.com/sql/docs/postgres/db-versions',
    references: { checkov: ['CKV_GCP_79'] },
    settings: {
      postgres: { default: 15, description: 'Oldest major version of PostgreSQL.' },
      mysql: { default: 8, description: 'Oldest version of MySQL.' },
      sqlserver: { default: 2019, description: 'Oldest version of SQL Server.' },
    },
    types: instance,
    judge: ({ at, settings }) =>
      at('databaseVersion').test((text) => {
        const [, engine = '', major = '', minor = '0'] = /^([A-Z]+)_(\d+)(?:_(\d+))?/.exec(String(text)) ?? [];
        const oldest = { POSTGRES: settings.postgres, MYSQL: settings.mysql, SQLSERVER: settings.sqlserver }[engine];
        return oldest !== undefined && Number(`${major}.${minor}`) >= oldest;
      }),
  }),
  resourcePolicy({
    id: 'sql-query-insights',
    description: 'Which statement takes the time is on record, without the addresses of those who asked.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set settings.insightsConfig.queryInsightsEnabled to true, and recordClientAddress to false.',
    url: 'https://cloud.google.com/sql/docs/postgres/using-query-insights',
    references: {},
    types: instance,
    judge: ({ at }) =>
      all([
        at('settings.insightsConfig.queryInsightsEnabled').is(true),
        at('settings.insightsConfig.recordClientAddress').isNot(true),
      ]),
  }),
  resourcePolicy({
    id: 'sql-storage-bounded',
    description: 'The disk of a database grows by itself, and not without end: it can never shrink again.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Leave settings.diskAutoresize on, and set diskAutoresizeLimit (0 is no limit).',
    url: 'https://cloud.google.com/sql/docs/postgres/instance-settings#automatic-storage-increase-2ndgen',
    references: {},
    types: instance,
    judge: ({ at }) => all([at('settings.diskAutoresize').isNot(false), at('settings.diskAutoresizeLimit').atLeast(1)]),
  }),
  resourcePolicy({
    id: 'sql-maintenance-window',
    description: 'A database restarts for updates at an hour that somebody chose.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set settings.maintenanceWindow with day and hour (UTC).',
    url: 'https://cloud.google.com/sql/docs/postgres/maintenance',
    references: {},
    types: instance,
    judge: ({ at }) =>
      any([
        isReplica(at),
        all([at('settings.maintenanceWindow.day').atLeast(1), at('settings.maintenanceWindow.hour').atLeast(0)]),
      ]),
  }),
  resourcePolicy({
    id: 'sql-tier-allowed',
    description: 'A production database has processors of its own: a shared core has no service level and no memory.',
    severity: 'low',
    level: 'mandatory',
    tiers: ['prod'],
    remediation:
      'Set settings.tier to one with dedicated cores (not db-f1-micro or db-g1-small), of the setting machines.',
    url: 'https://cloud.google.com/sql/docs/postgres/instance-settings#machine-type-2ndgen',
    references: {},
    settings: {
      machines: { default: [], description: 'Values of settings.tier that are allowed; empty: any but shared cores.' },
    },
    types: instance,
    judge: ({ at, settings }) =>
      all([
        not(at('settings.tier').is('db-f1-micro', 'db-g1-small'), 'settings.tier'),
        settings.machines.length === 0 ? yes : at('settings.tier').is(...settings.machines),
      ]),
  }),
  stackPolicy({
    id: 'sql-password-policy',
    description: 'Where a database user has a password, the instance refuses short, reused and guessable ones.',
    severity: 'medium',
    level: 'advisory',
    remediation:
      'Set settings.passwordValidationPolicy.enablePasswordPolicy with minLength, or make its users IAM ones.',
    url: 'https://cloud.google.com/sql/docs/postgres/built-in-authentication#instance_password_policies',
    references: {},
    judge: (stack) =>
      stack.ofType(type).map((database): Finding => {
        const withPassword = some(stack.ofType('gcp:sql/user:User'), (user) =>
          // BUILT_IN, a user with a password, is what a user without type is.
          all([user.at('type').orElse('BUILT_IN').is('BUILT_IN', ''), refersTo(user, 'instance', database)]),
        );
        const policy = database.at('settings.passwordValidationPolicy.enablePasswordPolicy');
        return {
          urn: database.urn,
          answer: when(any([withPassword, database.at('rootPassword').isFilled()]), () =>
            named(policy.is(true), policy.path),
          ),
        };
      }),
  }),
];
