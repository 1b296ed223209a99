import { expect, test } from 'vitest';
import { judgeStack } from '../../../policies/framework/judge.ts';
import type { StackPolicy } from '../../../policies/framework/policy.ts';
import { stackOf } from '../../../policies/framework/stack.ts';
import { inProduction, notKnownYet } from '../../../policies/framework/testing.ts';
import { iamPeoplePolicies } from '../../../policies/google-cloud/iam-people.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { adding, both, edit, without } from '../platform/changes.ts';
import { fixture, prove } from '../support/prove.ts';

const grantType = 'gcp:pubsub/topicIAMMember:TopicIAMMember';
const to = (member: unknown, more: object = {}) =>
  adding(grantType, { role: 'roles/pubsub.viewer', member, ...more }, { name: String(member), urn: `urn:${member}` });
const account = 'gcp:serviceaccount/account:Account';
const lent = adding('gcp:serviceaccount/iAMMember:IAMMember', {
  role: 'roles/iam.workloadIdentityUser',
  serviceAccountId: 'projects/p/serviceAccounts/forgotten@p.iam.gserviceaccount.com',
  member: 'serviceAccount:p.svc.id.goog[app/app]',
});

prove(iamPeoplePolicies, googleCloud.policies, [
  {
    policy: 'iam-member-domains',
    broken: { 'two domains': both(to('group:a@example.com'), to('group:b@example.org')) },
    fine: { 'one domain': both(to('group:a@example.com'), to('user:b@example.com'), to('domain:example.com')) },
    along: ['iam-no-direct-users'],
    unknown: to(notKnownYet),
    absent: to(undefined),
    absentIs: 'passes',
  },
  {
    policy: 'iam-human-grants-expire',
    on: fixture(grantType, {
      role: 'roles/pubsub.publisher',
      member: 'group:ops@example.com',
      condition: { title: 'until May', expression: 'request.time < timestamp("2027-05-01T00:00:00Z")' },
    }),
    at: 'condition.expression',
    broken: [{ value: 'resource.name == "x"' }, { set: { condition: undefined, member: 'user:a@example.com' } }],
    fine: [
      { set: { condition: undefined, role: 'roles/pubsub.viewer' } },
      { set: { condition: undefined, member: 'serviceAccount:a@p.iam.gserviceaccount.com' } },
    ],
    along: ['iam-no-direct-users'],
    absent: 'fires',
  },
  {
    policy: 'iam-no-orphan-service-account',
    broken: {
      'of nobody': adding(account, { accountId: 'forgotten' }),
      'nobody may act as it': both(
        adding(account, { accountId: 'forgotten' }),
        adding(grantType, {
          role: 'roles/pubsub.viewer',
          member: 'serviceAccount:forgotten@p.iam.gserviceaccount.com',
        }),
      ),
      'it may do nothing': both(adding(account, { accountId: 'forgotten' }), lent),
      'one of the blueprint': without('serviceaccount/iAMMember', 'workload-identities-probe'),
    },
    fine: {
      'both, by its address': both(
        adding(account, { accountId: 'forgotten' }),
        adding(grantType, {
          role: 'roles/pubsub.viewer',
          member: 'serviceAccount:forgotten@p.iam.gserviceaccount.com',
        }),
        lent,
      ),
    },
    unknown: edit('serviceaccount/account', 'identities-probe', { accountId: notKnownYet }),
    absent: edit('serviceaccount/account', 'identities-probe', { accountId: undefined }),
    absentIs: 'fires',
  },
]);

test('domains of the setting are the only ones', () => {
  const policy = iamPeoplePolicies.find(({ id }) => id === 'iam-member-domains') as StackPolicy;
  const given = [fixture(grantType, { role: 'roles/pubsub.viewer', member: 'group:a@example.org' })];
  const stack = stackOf(given, inProduction);
  expect(judgeStack(policy, stack).violations).toEqual([]);
  expect(judgeStack(policy, stack, { domains: ['example.com'] }).violations).toHaveLength(1);
});
