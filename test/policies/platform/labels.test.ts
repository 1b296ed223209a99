import { expect, test } from 'vitest';
import { subjectOf } from '../../../policies/framework/judge.ts';
import type { ResourcePolicy } from '../../../policies/framework/policy.ts';
import { notKnownYet } from '../../../policies/framework/testing.ts';
import { labelPolicies } from '../../../policies/platform/labels.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { fixture, prove } from '../support/prove.ts';
import { edit } from './changes.ts';

const instance = 'gcp:sql/databaseInstance:DatabaseInstance';
const provider = 'pulumi:providers:gcp';

prove(labelPolicies, platform.policies, [
  {
    policy: 'stack-required-labels',
    broken: {
      'no default labels': edit(provider, '', { defaultLabels: undefined }),
      'one of them missing': edit(provider, '', { defaultLabels: JSON.stringify({ environment: 'prod', owner: 'a' }) }),
      'one of them empty': edit(provider, '', {
        defaultLabels: { environment: 'prod', owner: '', 'managed-by': 'b' },
      }),
    },
    fine: {
      'labels that are not text': edit(provider, '', {
        defaultLabels: { environment: 'prod', owner: 'a', 'managed-by': 'b' },
      }),
    },
    unknown: edit(provider, '', { defaultLabels: notKnownYet }),
    absent: edit(provider, '', { defaultLabels: undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'own-labels',
    on: instance,
    at: 'settings.userLabels',
    broken: [
      { value: {} },
      { set: { 'settings.userLabels.owner': '' } },
      { resource: fixture('gcp:memorystore/instance:Instance', { labels: { owner: 'a' } }) },
    ],
    // A cache with nothing but a label.
    along: ['stack-prod-survives-zone', 'stack-prod-durable'],
    absent: 'fires',
  },
]);

test('the level remediate sets what is missing and has a value, and leaves what is there', () => {
  const policy = labelPolicies.find(({ id }) => id === 'own-labels') as ResourcePolicy;
  const remedied = (values: readonly string[]) =>
    policy.remedy?.(subjectOf(policy, fixture(instance, { settings: { userLabels: { owner: 'data' } } }), { values }));
  expect(remedied(['owner=platform', 'managed-by=pulumi', 'cost-center=1'])).toEqual({
    'settings.userLabels.managed-by': 'pulumi',
  });
  expect(remedied([])).toEqual({});
});
