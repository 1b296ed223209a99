import { notKnownYet } from '../../../policies/framework/testing.ts';
import { identityPolicies } from '../../../policies/platform/identity.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { both, edit, flow, literal, without } from './changes.ts';

const kubernetes = 'core/v1:ServiceAccount';
const binding = 'serviceaccount/iAMMember';
const at = 'metadata.annotations';
const email = (name: string) => ({
  'iam.gke.io/gcp-service-account': `prod-${name}@iot-prod-1.iam.gserviceaccount.com`,
});

prove(identityPolicies, platform.policies, [
  {
    policy: 'stack-workload-identity-chain',
    broken: {
      'no such account': edit(kubernetes, 'namespace-probe', { [at]: email('nobody') }),
      'the account is not in the stack': without('account:Account', 'identities-probe'),
      'an account of another project': edit('account:Account', 'identities-probe', { project: 'other-project' }),
      'nobody may impersonate it': without(binding, 'workload-identities-probe'),
      'another role on it': edit(binding, 'workload-identities-probe', { role: 'roles/iam.serviceAccountUser' }),
      'the grant names another namespace': edit(binding, 'workload-identities-probe', {
        member: 'serviceAccount:iot-prod-1.svc.id.goog[default/probe]',
      }),
      'the grant is for every pod of the project': edit(binding, 'workload-identities-probe', {
        member: 'principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*',
      }),
      'it has no right on anything': both(
        without('secretIamMember', 'probe'),
        without('projects/iAMMember', 'identities-probe'),
      ),
    },
    fine: {
      'a binding of one member': literal(binding, 'workload-identities-probe', {
        member: undefined,
        members: ['serviceAccount:iot-prod-1.svc.id.goog[iot-prod/probe]'],
      }),
      'references instead of texts': both(
        flow(binding, 'workload-identities-probe', 'serviceAccountId', 'account:Account', 'identities-probe'),
        edit(binding, 'workload-identities-probe', { serviceAccountId: notKnownYet }),
      ),
    },
    unknown: edit(binding, 'workload-identities-probe', { member: notKnownYet }),
    absent: edit(kubernetes, 'namespace-probe', { [at]: undefined }),
    absentIs: 'passes',
  },
  {
    policy: 'stack-workload-identity-not-shared',
    broken: { 'two act as one': edit(kubernetes, 'namespace-probe', { [at]: email('api') }) },
    along: ['stack-workload-identity-chain'],
    unknown: edit(kubernetes, 'namespace-probe', { [at]: { 'iam.gke.io/gcp-service-account': notKnownYet } }),
    absent: edit(kubernetes, 'namespace-probe', { [at]: undefined }),
    absentIs: 'passes',
  },
]);
