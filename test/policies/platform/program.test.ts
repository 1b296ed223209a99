import { notKnownYet } from '../../../policies/framework/testing.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { programPolicies } from '../../../policies/platform/program.ts';
import { prove } from '../support/prove.ts';
import { adding, edit, without } from './changes.ts';

const provider = 'pulumi:providers:gcp';
const deployment = 'apps/v1:Deployment';
const pods = 'workloads-api-pods';
const account = 'spec.template.spec.serviceAccountName';
const labels = { environment: 'prod', owner: 'a', 'managed-by': 'b' };

prove(programPolicies, platform.policies, [
  {
    policy: 'stack-provider-explicit',
    broken: {
      'the default one': adding(provider, { project: 'p', defaultLabels: labels }, { name: 'default_9_37_0' }),
      'one without a project': edit(provider, '', { project: undefined }),
    },
    unknown: edit(provider, '', { project: notKnownYet }),
    absent: edit(provider, '', { project: undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'stack-resource-count',
    broken: {
      'two of one name': adding('gcp:kms/keyRing:KeyRing', { name: 'prod-dead', location: 'europe-west1' }),
      'too many': (resources) =>
        [...resources, ...resources, ...resources, ...resources, ...resources, ...resources].map((each, index) => ({
          ...each,
          urn: `${each.urn}${index}`,
          props: { ...each.props, name: String(index), metadata: { name: String(index) } },
        })),
    },
    fine: {
      'the same in another region': adding('gcp:kms/keyRing:KeyRing', { name: 'prod-dead', location: 'europe-west4' }),
    },
    // Everything has another name then, and nothing finds what it named.
    along: platform.policies.map(({ id }) => id),
    unknown: edit('kms/keyRing:', '', { name: notKnownYet }),
    unknownIs: 'passes',
    absent: edit('kms/keyRing:', '', { name: undefined }),
    absentIs: 'passes',
  },
  {
    policy: 'stack-no-dangling-refs',
    broken: {
      'a service account of nobody': edit(deployment, pods, { [account]: 'nobody' }),
      'an account of another namespace': edit('core/v1:ServiceAccount', 'api', { 'metadata.namespace': 'other' }),
      'a ConfigMap that is gone': without('core/v1:ConfigMap'),
      'a claim of nobody': edit(deployment, pods, {
        'spec.template.spec.volumes': [{ name: 'data', persistentVolumeClaim: { claimName: 'nobody' } }],
      }),
    },
    fine: { 'the default account': edit(deployment, pods, { [account]: 'default' }) },
    // Other volumes: the certificate of EST is gone with them.
    along: ['stack-workload-identity-chain', 'stack-device-service-tls-only'],
    unknown: edit(deployment, pods, { [account]: notKnownYet }),
    absent: edit(deployment, pods, { [account]: undefined }),
    absentIs: 'passes',
  },
]);
