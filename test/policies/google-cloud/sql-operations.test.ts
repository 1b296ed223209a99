import { expect, test } from 'vitest';
import { judgeResource } from '../../../policies/framework/judge.ts';
import type { ResourcePolicy } from '../../../policies/framework/policy.ts';
import { notKnownYet } from '../../../policies/framework/testing.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { sqlOperationsPolicies } from '../../../policies/google-cloud/sql-operations.ts';
import { adding, both, edit } from '../platform/changes.ts';
import { fixture, prove } from '../support/prove.ts';

const on = 'gcp:sql/databaseInstance:DatabaseInstance';
const kept = 'settings.backupConfiguration.backupRetentionSettings.retainedBackups';
const user = (props: object) => adding('gcp:sql/user:User', { instance: 'prod-core-dead', passwordWo: 'x', ...props });
const policyAt = 'settings.passwordValidationPolicy.enablePasswordPolicy';

prove(sqlOperationsPolicies, googleCloud.policies, [
  {
    policy: 'sql-server-ca-managed',
    on,
    at: 'settings.ipConfiguration.serverCaMode',
    broken: [{ value: 'GOOGLE_MANAGED_INTERNAL_CA' }],
    fine: [{ value: 'CUSTOMER_MANAGED_CAS_CA' }],
    absent: 'fires',
  },
  {
    policy: 'sql-backup-retention',
    on,
    at: kept,
    broken: [{ value: 6 }, { set: { 'settings.backupConfiguration.transactionLogRetentionDays': 1 } }],
    fine: [{ value: 7 }, { set: { [kept]: 1, masterInstanceName: 'primary' } }],
    absent: 'passes',
  },
  {
    policy: 'sql-supported-version',
    on,
    at: 'databaseVersion',
    broken: [
      { value: 'POSTGRES_14' },
      { value: 'POSTGRES_9_6' },
      { value: 'MYSQL_5_7' },
      { value: 'SQLSERVER_2017_WEB' },
    ],
    fine: [{ value: 'POSTGRES_15' }, { value: 'MYSQL_8_4' }, { value: 'SQLSERVER_2022_STANDARD' }],
    along: [],
    absent: 'fires',
  },
  {
    policy: 'sql-query-insights',
    on,
    at: 'settings.insightsConfig.queryInsightsEnabled',
    broken: [{ value: false }, { set: { 'settings.insightsConfig.recordClientAddress': true } }],
    absent: 'fires',
  },
  {
    policy: 'sql-storage-bounded',
    on,
    at: 'settings.diskAutoresizeLimit',
    broken: [{ value: 0 }, { set: { 'settings.diskAutoresize': false } }],
    fine: [{ set: { 'settings.diskAutoresize': undefined } }],
    absent: 'fires',
  },
  {
    policy: 'sql-maintenance-window',
    on,
    at: 'settings.maintenanceWindow.hour',
    broken: [{ set: { 'settings.maintenanceWindow': undefined } }, { set: { 'settings.maintenanceWindow.day': 0 } }],
    fine: [{ value: 0 }, { set: { 'settings.maintenanceWindow': undefined, masterInstanceName: 'primary' } }],
    absent: 'fires',
  },
  {
    policy: 'sql-tier-allowed',
    on,
    at: 'settings.tier',
    broken: [{ value: 'db-f1-micro' }, { value: 'db-g1-small' }],
    fine: [{ value: 'db-custom-2-7680' }],
    absent: 'passes',
  },
  {
    policy: 'sql-password-policy',
    broken: {
      'a user with a password': user({}),
      'a user of the type with a password': user({ type: 'BUILT_IN' }),
      'a root password': edit('sql/databaseInstance', 'core', { rootPassword: 'x' }),
    },
    fine: {
      'an IAM user': user({ type: 'CLOUD_IAM_USER' }),
      'a policy': both(user({}), edit('sql/databaseInstance', 'core', { [policyAt]: true })),
      'a user of another instance': user({ instance: 'other' }),
    },
    unknown: both(user({}), edit('sql/databaseInstance', 'core', { [policyAt]: notKnownYet })),
    absent: user({ type: undefined }),
    absentIs: 'fires',
  },
]);

test('machines of the setting are the only ones', () => {
  const allowed = sqlOperationsPolicies.find(({ id }) => id === 'sql-tier-allowed') as ResourcePolicy;
  const given = fixture(on, { settings: { tier: 'db-custom-64-245760' } });
  expect(judgeResource(allowed, given)?.violations).toEqual([]);
  expect(judgeResource(allowed, given, { machines: ['db-custom-2-7680'] })?.violations).toHaveLength(1);
});
