import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { sqlPolicies } from '../../../policies/google-cloud/sql.ts';
import { fixture, prove } from '../support/prove.ts';

const on = 'gcp:sql/databaseInstance:DatabaseInstance';
const ip = 'settings.ipConfiguration';
const backup = 'settings.backupConfiguration';
const networks = (...ranges: string[]) => ({ value: ranges.map((value) => ({ name: 'office', value })) });

prove(sqlPolicies, googleCloud.policies, [
  { policy: 'sql-no-public-ip', on, at: `${ip}.ipv4Enabled`, broken: [{ value: true }], absent: 'fires' },
  {
    policy: 'sql-private-network',
    on,
    at: `${ip}.pscConfigs`,
    broken: [{ value: [] }, { set: { [`${ip}.pscConfigs[0].pscEnabled`]: false } }],
    fine: [{ set: { [`${ip}.pscConfigs`]: undefined, [`${ip}.privateNetwork`]: 'projects/p/global/networks/n' } }],
    absent: 'fires',
  },
  {
    policy: 'sql-no-world-authorized-networks',
    on,
    at: `${ip}.authorizedNetworks`,
    broken: [
      networks('0.0.0.0/0'),
      networks('203.0.113.7/32', '::/0'),
      networks('0.0.0.0/1', '128.0.0.0/1'),
      networks('203.0.0.0/16'),
      networks('anywhere'),
    ],
    fine: [networks('203.0.113.7'), networks('203.0.113.0/24', '2001:db8::/48')],
    absent: 'passes',
  },
  {
    policy: 'sql-require-tls',
    on,
    at: `${ip}.sslMode`,
    broken: [{ value: 'ALLOW_UNENCRYPTED_AND_ENCRYPTED' }],
    fine: [{ value: 'ENCRYPTED_ONLY' }],
    absent: 'fires',
  },
  {
    policy: 'sql-mutual-tls-or-connector',
    on,
    given: { [`${ip}.sslMode`]: 'ENCRYPTED_ONLY' },
    at: 'settings.connectorEnforcement',
    broken: [{ value: 'NOT_REQUIRED' }],
    fine: [
      {
        set: {
          'settings.connectorEnforcement': 'NOT_REQUIRED',
          [`${ip}.sslMode`]: 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED',
        },
      },
    ],
    absent: 'fires',
  },
  {
    policy: 'sql-backups-enabled',
    on,
    at: `${backup}.enabled`,
    broken: [{ value: false }, { set: { [backup]: undefined } }],
    along: ['sql-point-in-time-recovery'],
    fine: [{ set: { [`${backup}.enabled`]: false, masterInstanceName: 'first' } }],
    absent: 'fires',
  },
  {
    policy: 'sql-point-in-time-recovery',
    on,
    at: `${backup}.pointInTimeRecoveryEnabled`,
    broken: [{ value: false }],
    fine: [{ set: { [`${backup}.pointInTimeRecoveryEnabled`]: false, [`${backup}.binaryLogEnabled`]: true } }],
    absent: 'fires',
  },
  {
    policy: 'sql-deletion-protection',
    on,
    at: 'settings.deletionProtectionEnabled',
    broken: [{ value: false }, { set: { deletionProtection: false } }],
    fine: [{ set: { deletionProtection: undefined } }],
    absent: 'fires',
  },
  {
    policy: 'sql-high-availability',
    on,
    at: 'settings.availabilityType',
    broken: [{ value: 'ZONAL' }],
    fine: [{ set: { 'settings.availabilityType': 'ZONAL', masterInstanceName: 'first' } }],
    absent: 'fires',
  },
  {
    policy: 'sql-user-iam-or-secret',
    on: fixture('gcp:sql/user:User', { instance: 'i', name: 'app', type: 'BUILT_IN' }),
    at: 'password',
    broken: [{ value: 'hunter2' }, { set: { type: undefined, password: 'hunter2' } }],
    fine: [
      { set: { type: 'CLOUD_IAM_SERVICE_ACCOUNT' } },
      { set: { passwordWo: 'hunter2' } },
      { value: { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', value: 'hunter2' } },
    ],
    unknown: 'passes',
    absent: 'passes',
  },
]);
