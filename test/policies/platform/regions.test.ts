import { expect, test } from 'vitest';
import { judgeStack } from '../../../policies/framework/judge.ts';
import type { StackPolicy } from '../../../policies/framework/policy.ts';
import { stackOf } from '../../../policies/framework/stack.ts';
import { fixture, inProduction, notKnownYet } from '../../../policies/framework/testing.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { regionPolicies } from '../../../policies/platform/regions.ts';
import { prove } from '../support/prove.ts';
import { adding, edit } from './changes.ts';

const instance = 'sql/databaseInstance';

prove(regionPolicies, platform.policies, [
  {
    policy: 'stack-single-region',
    broken: {
      'a database of another region': edit(instance, 'core', { region: 'us-central1' }),
      'a zone of another region': adding('gcp:compute/instance:Instance', { zone: 'europe-west4-a' }),
      'a bucket in capitals': adding(
        'gcp:storage/bucket:Bucket',
        { location: 'US-EAST1', forceDestroy: false },
        { protect: true },
      ),
    },
    fine: {
      'a zone of the region': adding('gcp:compute/instanceGroup:InstanceGroup', { zone: 'europe-west1-d' }),
      'a multi-region': adding('gcp:storage/bucket:Bucket', { location: 'EU', forceDestroy: false }, { protect: true }),
      everywhere: adding('gcp:certificatemanager/certificate:Certificate', { location: 'global' }),
    },
    unknown: edit(instance, 'core', { region: notKnownYet }),
    absent: edit(instance, 'core', { region: undefined }),
    absentIs: 'passes',
  },
]);

test('regions of the setting are the only ones', () => {
  const policy = regionPolicies[0] as StackPolicy;
  const given = [fixture('gcp:pubsub/topic:Topic', { location: 'us-central1' })];
  expect(judgeStack(policy, stackOf(given, inProduction)).violations).toEqual([]);
  expect(judgeStack(policy, stackOf(given, inProduction), { regions: ['europe-west1'] }).violations).toHaveLength(1);
});
