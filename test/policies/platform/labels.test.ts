import { notKnownYet } from '../../../policies/framework/testing.ts';
import { labelPolicies } from '../../../policies/platform/labels.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { edit } from './changes.ts';

const instance = 'sql/databaseInstance';
const provider = 'pulumi:providers:gcp';

prove(labelPolicies, platform.policies, [
  {
    policy: 'stack-required-labels',
    broken: {
      'no default labels': edit(provider, '', { defaultLabels: undefined }),
      'one of them missing': edit(provider, '', { defaultLabels: JSON.stringify({ environment: 'prod', owner: 'a' }) }),
      'one of them empty': edit(instance, 'core', { 'settings.userLabels.owner': '' }),
      'a cache without labels': edit('memorystore/instance', '', { labels: undefined }),
    },
    fine: {
      'labels that are not text': edit(provider, '', {
        defaultLabels: { environment: 'prod', owner: 'a', 'managed-by': 'b' },
      }),
    },
    unknown: edit(instance, 'core', { 'settings.userLabels': notKnownYet }),
    absent: edit(instance, 'core', { 'settings.userLabels': undefined }),
    absentIs: 'fires',
  },
]);
