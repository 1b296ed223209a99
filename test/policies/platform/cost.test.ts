import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeStack } from '../../../policies/framework/judge.ts';
import type { StackPolicy } from '../../../policies/framework/policy.ts';
import { stackOf } from '../../../policies/framework/stack.ts';
import { fixture, inProduction, notKnownYet } from '../../../policies/framework/testing.ts';
import { costPolicies } from '../../../policies/platform/cost.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { hoursAMonth, prices } from '../../../policies/platform/prices.ts';
import { root } from '../../infra/truth/compile.ts';
import { blueprint, prove } from '../support/prove.ts';
import { adding, both, edit } from './changes.ts';

const sql = 'sql/databaseInstance';
const policy = costPolicies[0] as StackPolicy;
const large = { 'settings.tier': 'db-perf-optimized-N-128' };

prove(costPolicies, platform.policies, [
  {
    policy: 'stack-cost-ceiling',
    along: ['stack-hpa-consistent'],
    broken: {
      'large databases': edit(sql, '', large),
      'a thousand pods': edit('HorizontalPodAutoscaler', 'gateway', { 'spec.minReplicas': 1_000 }),
      'dear, whatever else is unknown': both(
        edit(sql, 'core', { 'settings.tier': notKnownYet }),
        edit(sql, 'shard-0', {
          'settings.tier': 'db-perf-optimized-N-384',
          'settings.diskSize': 60_000,
        }),
      ),
    },
    fine: { 'billed by use alone': adding('gcp:pubsub/topic:Topic', {}) },
    unknown: edit(sql, 'core', { 'settings.tier': notKnownYet }),
    absent: edit(sql, 'core', { 'settings.diskSize': undefined }),
    absentIs: 'passes',
  },
]);

test('the ceiling is that of the tier, a team may set it, and the message has the largest first', async () => {
  const resources = await blueprint();
  const judged = (tier: string, config = {}) =>
    judgeStack(policy, stackOf(resources, { ...inProduction, tier }), config).violations;
  expect(judged('prod')).toEqual([]);
  expect(judged('preview')[0]?.at[0]).toMatch(/^\d+ USD a month \(database-shard-0-instance \d+, /);
  expect(judged('preview', { preview: 50_000 })).toEqual([]);
  expect(judged('a-name-of-their-own', { prod: 1 })).toHaveLength(1);
});

test('what has no price is said, not counted as nothing', () => {
  const given = [
    fixture('gcp:spanner/instance:Instance', { numNodes: 3 }),
    fixture('gcp:compute/instance:Instance', {}),
  ];
  expect(judgeStack(policy, stackOf(given, inProduction)).undecided).toEqual([
    'fixture.gcp:spanner/instance:Instance has no price',
    'fixture.gcp:compute/instance:Instance has no price',
  ]);
});

test('prices are those that the project plans with', () => {
  const file = JSON.parse(readFileSync(join(root, 'infra/plan/prices.json'), 'utf8'));
  const planned = new Map<string, number>(file.prices.map((each: { id: string; usd: number }) => [each.id, each.usd]));
  for (const [id, usd] of Object.entries(prices)) expect(planned.get(id), id).toBe(usd);
  expect(file.hoursAMonth).toBe(hoursAMonth);
});
