import { notKnownYet } from '../../../policies/framework/testing.ts';
import { plainSecretPolicies } from '../../../policies/platform/plain-secrets.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { adding, edit } from './changes.ts';

const map = 'core/v1:ConfigMap';
const deployment = 'apps/v1:Deployment';
const variable = 'spec.template.spec.containers[0].env[0]';
const key = `-----BEGIN ${'PRIVATE'} KEY-----\nMIG`;

prove(plainSecretPolicies, platform.policies, [
  {
    policy: 'stack-no-plain-secrets',
    broken: {
      'a key in a ConfigMap': edit(map, 'cache-ca', { data: { 'ca.pem': key } }),
      'a variable by its name': edit(deployment, 'workloads-api', { [variable]: { name: 'DB_PASSWORD', value: 'x' } }),
      'a URL with a password': edit(deployment, 'workloads-api', {
        [variable]: { name: 'DB', value: 'postgres://u:p@db/x' },
      }),
      'an argument': edit(deployment, 'workloads-api', { 'spec.template.spec.containers[0].args': [key] }),
      'a job on a clock': edit('batch/v1:CronJob', 'retention', {
        'spec.jobTemplate.spec.template.spec.containers[0].env[0]': { name: 'API_KEY', value: 'x' },
      }),
      'an output of the stack': adding('pulumi:pulumi:Stack', { deep: { url: 'https://u:p@example.com' } }),
    },
    fine: {
      'a certificate': edit(map, 'cache-ca', { data: { 'ca.pem': '-----BEGIN CERTIFICATE-----' } }),
      'the name of a secret': edit(deployment, 'workloads-api', {
        [variable]: { name: 'DB_PASSWORD', value: 'projects/p/secrets/db' },
      }),
      'a reference to a Secret': edit(deployment, 'workloads-api', {
        [variable]: { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
      }),
      'outputs that say where': adding('pulumi:pulumi:Stack', { url: 'https://example.com/a:b@c' }),
    },
    unknown: edit(map, 'cache-ca', { data: notKnownYet }),
    absent: edit(map, 'cache-ca', { data: undefined }),
    absentIs: 'passes',
  },
]);
