import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeResource } from '../../../policies/framework/judge.ts';
import { fixture, notKnownYet } from '../../../policies/framework/testing.ts';
import { grantTypes } from '../../../policies/google-cloud/grants.ts';
import { iamPolicies } from '../../../policies/google-cloud/iam.ts';
import { root } from '../../infra/truth/compile.ts';

const sdk = join(root, 'node_modules/@pulumi/gcp');

/** Type tokens of the provider whose inputs grant a role, read from its own declarations. */
function granting(): { grants: string[]; others: string[] } {
  const [grants, others]: [string[], string[]] = [[], []];
  for (const file of readdirSync(sdk, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js') || !/i_?am/i.test(file) || file.startsWith('node_modules')) continue;
    const text = readFileSync(join(sdk, file), 'utf8');
    const token = /__pulumiType = '([^']+)'/.exec(text)?.[1];
    if (token === undefined) continue;
    const grants_ = /\["(members?|policyData)"\] = args\?\./.test(text) && !token.endsWith(':IamMemberRemove');
    (grants_ ? grants : others).push(token);
  }
  return { grants, others };
}

test('every resource of the provider that grants is looked at, and no other', () => {
  const { grants, others } = granting();
  expect(grants.length).toBeGreaterThan(400);
  expect(grants.filter((token) => !grantTypes.test(token))).toEqual([]);
  expect(others.filter((token) => grantTypes.test(token))).toEqual([]);
});

const publicMembers = iamPolicies.find(({ id }) => id === 'iam-no-public-members');
if (publicMembers?.kind !== 'resource') throw new Error('iam-no-public-members is not a policy of resources');
const type = 'gcp:storage/bucketIAMPolicy:BucketIAMPolicy';
const verdict = (props: Record<string, unknown>) => judgeResource(publicMembers, fixture(type, props));

test('the place in the document of a policy is named, and its content is not', () => {
  const policyData = JSON.stringify({ bindings: [{ role: 'r', members: ['group:a@example.com', 'allUsers'] }] });
  expect(verdict({ policyData })?.violations.map(({ at }) => at)).toEqual([['policyData.bindings[0].members[1]']]);
});

test('an unknown member does not hide a public one beside it', () => {
  const binding = { role: 'r', members: [notKnownYet, 'allUsers'] };
  const said = judgeResource(publicMembers, fixture('gcp:storage/bucketIAMBinding:BucketIAMBinding', binding));
  expect(said?.violations.map(({ at }) => at)).toEqual([['members[1]']]);
});

test.each([
  ['unknown', notKnownYet],
  ['no JSON', '{'],
])('a document that is %s is undecided', (_what, policyData) => {
  expect(verdict({ policyData })).toEqual({ violations: [], undecided: ['policyData'] });
});
