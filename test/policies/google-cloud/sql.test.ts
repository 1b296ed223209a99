import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { sqlPolicies } from '../../../policies/google-cloud/sql.ts';
import { prove } from '../support/prove.ts';

const instance = 'gcp:sql/databaseInstance:DatabaseInstance';
const ip = 'settings.ipConfiguration';

prove(sqlPolicies, googleCloud.policies, [
  { policy: 'sql-no-public-ip', on: instance, at: `${ip}.ipv4Enabled`, broken: [{ value: true }], absent: 'fires' },
  {
    policy: 'sql-private-network',
    on: instance,
    at: `${ip}.pscConfigs`,
    broken: [{ value: [] }, { set: { [`${ip}.pscConfigs[0].pscEnabled`]: false } }],
    fine: [{ set: { [`${ip}.pscConfigs`]: undefined, [`${ip}.privateNetwork`]: 'projects/p/global/networks/n' } }],
    absent: 'fires',
  },
]);
