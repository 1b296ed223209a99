import { type Policy, resourcePolicy } from '../framework/policy.ts';
import { day, lastsAtLeast } from './durations.ts';

/** What Pub/Sub keeps, and how it tries again. */
export const messagingDeliveryPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'pubsub-topic-retention',
    description: 'A topic keeps what was published for a while, so that a reader that was wrong can read it again.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set messageRetentionDuration to 86400s or more (31 days at most).',
    url: 'https://cloud.google.com/pubsub/docs/replay-overview',
    references: {},
    settings: { days: { default: 1, description: 'Shortest time that a topic keeps messages, in days.' } },
    types: ['gcp:pubsub/topic:Topic'],
    judge: ({ at, settings }) => lastsAtLeast(at('messageRetentionDuration'), settings.days * day),
  }),
  resourcePolicy({
    id: 'pubsub-subscription-retry',
    description: 'A message that was refused comes back after a pause that grows, not at once and for ever.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Set retryPolicy.minimumBackoff and maximumBackoff.',
    url: 'https://cloud.google.com/pubsub/docs/handling-failures#exponential_backoff',
    references: {},
    types: ['gcp:pubsub/subscription:Subscription'],
    // A policy without values backs off from 10 s to 600 s.
    judge: ({ at }) => at('retryPolicy').exists(),
  }),
];
