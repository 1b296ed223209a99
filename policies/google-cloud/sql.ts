import { any } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';

const instance = ['gcp:sql/databaseInstance:DatabaseInstance'];

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
];
