import { messagingDeliveryPolicies } from '../../../policies/google-cloud/messaging-delivery.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { prove } from '../support/prove.ts';

prove(messagingDeliveryPolicies, googleCloud.policies, [
  {
    policy: 'pubsub-topic-retention',
    on: 'gcp:pubsub/topic:Topic',
    at: 'messageRetentionDuration',
    broken: [{ value: '600s' }, { value: 'a day' }],
    fine: [{ value: '86400s' }],
    absent: 'fires',
  },
  {
    policy: 'pubsub-subscription-retry',
    on: 'gcp:pubsub/subscription:Subscription',
    at: 'retryPolicy',
    broken: [{ value: undefined }],
    fine: [{ value: {} }],
    absent: 'fires',
  },
]);
