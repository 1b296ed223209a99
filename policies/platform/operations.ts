import { type Answer, any, no, unknown, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import { named, refersTo, some } from '../framework/relations.ts';
import type { Stack } from '../framework/stack.ts';

const topic = 'gcp:pubsub/topic:Topic';
const service = 'gcp:projects/service:Service';

/** What an environment needs around it: a budget, alerts, APIs that are on, readers of what is published. */
export const operationsPolicies: readonly Policy[] = [
  stackPolicy({
    id: 'stack-topic-has-consumer',
    description: 'What is published is read: a topic without a subscription throws every message away.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Add a subscription to the topic, or remove it; readers in other stacks are an exemption.',
    url: 'https://cloud.google.com/pubsub/docs/subscription-overview',
    references: {},
    judge: (stack) =>
      stack.ofType(topic).map(
        (each): Finding => ({
          urn: each.urn,
          answer: named(
            some(stack.ofType('gcp:pubsub/subscription:Subscription'), (reader) => refersTo(reader, 'topic', each)),
            'no subscription reads it',
          ),
        }),
      ),
  }),
  stackPolicy({
    id: 'stack-apis-enabled',
    description:
      'A stack that switches APIs on does so for each product that it uses, and leaves them on when it goes: others of the project use them too.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Add gcp.projects.Service for the API, with disableOnDestroy false.',
    url: 'https://cloud.google.com/service-usage/docs/enabled-service',
    references: {},
    judge: function* (stack): Iterable<Finding> {
      const services = stack.ofType(service);
      // Then somebody else switches them on.
      if (services.length === 0) return;
      for (const each of services) yield { urn: each.urn, answer: each.at('disableOnDestroy').isNot(true) };
      for (const [pattern, api] of apis) {
        const [first] = stack.ofType(pattern);
        if (first !== undefined)
          yield {
            urn: first.urn,
            answer: named(
              some(services, (each) => each.at('service').is(api)),
              `${api} is not switched on`,
            ),
          };
      }
    },
  }),
  stackPolicy({
    id: 'stack-budget-exists',
    description: 'Somebody is told before the month costs too much.',
    severity: 'low',
    level: 'advisory',
    tiers: ['prod'],
    remediation: 'Add gcp.billing.Budget with thresholdRules for the project.',
    url: 'https://cloud.google.com/billing/docs/how-to/budgets',
    references: {},
    judge: (stack) => [
      {
        urn: null,
        answer: named(
          some(stack.ofType('gcp:billing/budget:Budget'), (budget) => budget.at('thresholdRules').isFilled()),
          'no Budget with thresholdRules',
        ),
      },
    ],
  }),
  stackPolicy({
    id: 'stack-alerts-exist',
    description:
      'What fails slowly calls somebody: a disk that fills, messages that nobody reads, dead letters, pods that restart.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Add gcp.monitoring.AlertPolicy on the metric named, with notificationChannels.',
    url: 'https://cloud.google.com/monitoring/alerts',
    references: {},
    judge: (stack) =>
      signals
        .filter(({ type }) => stack.ofType(type).length > 0)
        .map(
          ({ metric, what }): Finding => ({ urn: null, answer: named(watched(stack, metric), `no alert on ${what}`) }),
        ),
  }),
];

/** Types and the API that makes them. */
const apis: readonly (readonly [RegExp, string])[] = [
  [/^gcp:container\//, 'container.googleapis.com'],
  [/^gcp:compute\//, 'compute.googleapis.com'],
  [/^gcp:sql\//, 'sqladmin.googleapis.com'],
  [/^gcp:pubsub\//, 'pubsub.googleapis.com'],
  [/^gcp:memorystore\//, 'memorystore.googleapis.com'],
  [/^gcp:redis\//, 'redis.googleapis.com'],
  [/^gcp:kms\//, 'cloudkms.googleapis.com'],
  [/^gcp:secretmanager\//, 'secretmanager.googleapis.com'],
  [/^gcp:certificateauthority\//, 'privateca.googleapis.com'],
  [/^gcp:artifactregistry\//, 'artifactregistry.googleapis.com'],
  [/^gcp:firestore\//, 'firestore.googleapis.com'],
  [/^gcp:dns\//, 'dns.googleapis.com'],
];

/** For what there is in the stack: the metric that says that it goes wrong, as filters and queries spell it. */
const signals: readonly { type: string; metric: RegExp; what: string }[] = [
  {
    type: 'gcp:sql/databaseInstance:DatabaseInstance',
    metric: /database[/_]disk[/_](utilization|bytes_used)/,
    what: 'the disks of databases',
  },
  {
    type: 'gcp:pubsub/subscription:Subscription',
    metric: /subscription[/_](oldest_unacked_message_age|num_undelivered_messages)/,
    what: 'unread messages',
  },
  { type: 'gcp:pubsub/subscription:Subscription', metric: /dead_letter/, what: 'dead letters' },
  { type: 'gcp:container/cluster:Cluster', metric: /restart_count/, what: 'restarts of containers' },
];

/** A condition of an alert names the metric; of one that is not known yet nobody can tell. */
function watched(stack: Stack, metric: RegExp): Answer {
  const texts = stack
    .ofType('gcp:monitoring/alertPolicy:AlertPolicy')
    .map((policy) => policy.at('conditions'))
    .map((conditions): Answer => {
      if (conditions.state === 'absent') return no(conditions.path);
      if (conditions.state === 'unknown') return unknown(conditions.path);
      const found = metric.test(JSON.stringify(conditions.value));
      return found ? yes : conditions.test(() => false);
    });
  return any(texts);
}
