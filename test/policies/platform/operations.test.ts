import { notKnownYet } from '../../../policies/framework/testing.ts';
import { operationsPolicies } from '../../../policies/platform/operations.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { adding, both, edit, literal, without } from './changes.ts';

const topic = 'gcp:pubsub/topic:Topic';
const alert = 'monitoring/alertPolicy';
const service = 'projects/service:';
const subscription = 'pubsub/subscription:';
const rules = { thresholdRules: [{ thresholdPercent: 0.9 }] };

prove(operationsPolicies, platform.policies, [
  {
    policy: 'stack-topic-has-consumer',
    broken: {
      'a new topic': adding(topic, { name: 'lonely' }),
      'its reader reads another': literal(subscription, 'lifecycle-devices', { topic: 'projects/p/topics/other' }),
    },
    fine: {
      'read by name': both(
        adding(topic, { name: 'a' }),
        adding('gcp:pubsub/subscription:Subscription', { topic: 'a' }),
      ),
    },
    unknown: both(adding(topic, { name: 'a' }), literal(subscription, 'lifecycle-devices', { topic: notKnownYet })),
    absent: literal(subscription, 'lifecycle-devices', { topic: undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'stack-apis-enabled',
    broken: {
      'a product whose API is off': adding('gcp:redis/instance:Instance', { tier: 'STANDARD_HA' }),
      'one of the blueprint': edit(service, 'sqladmin', { service: 'other.googleapis.com' }),
      'off for everybody when the stack goes': edit(service, 'sqladmin', { disableOnDestroy: true }),
    },
    fine: { 'APIs of somebody else': without(service) },
    along: ['stack-database-network-is-stack-vpc', 'stack-prod-survives-zone'],
    unknown: edit(service, 'sqladmin', { service: notKnownYet }),
    absent: edit(service, 'sqladmin', { service: undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'stack-budget-exists',
    on: (blueprint) => adding('gcp:billing/budget:Budget', rules)([...blueprint]),
    broken: {
      'no budget': without('billing/budget'),
      'a budget that tells nobody': edit('billing/budget', '', { thresholdRules: [] }),
    },
    unknown: edit('billing/budget', '', { thresholdRules: notKnownYet }),
    unknownIs: 'passes',
    absent: edit('billing/budget', '', { thresholdRules: undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'stack-alerts-exist',
    broken: {
      none: without(alert),
      'none on disks': without(alert, 'database-disk'),
      'none on restarts': edit(alert, 'pods-restart', { conditions: [{ displayName: 'x' }] }),
    },
    unknown: edit(alert, 'database-disk', { conditions: notKnownYet }),
    absent: edit(alert, 'database-disk', { conditions: undefined }),
    absentIs: 'fires',
  },
]);
