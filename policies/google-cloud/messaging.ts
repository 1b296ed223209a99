import { all, any, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Stack } from '../framework/stack.ts';
import { everyGrant } from './grants.ts';

const topic = 'gcp:pubsub/topic:Topic';
const subscription = 'gcp:pubsub/subscription:Subscription';

export const messagingPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'pubsub-least-role',
    description:
      'Who publishes or reads can do that and no more: an editor also deletes topics and reads what others are sent.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Grant roles/pubsub.publisher on the topic, roles/pubsub.subscriber on the subscription.',
    url: 'https://cloud.google.com/pubsub/docs/access-control#roles',
    references: {},
    settings: {
      roles: {
        default: ['roles/pubsub.publisher', 'roles/pubsub.subscriber', 'roles/pubsub.viewer'],
        description: 'Predefined roles that may be granted on topics, subscriptions and schemas.',
      },
    },
    types: /^gcp:pubsub\/\w+IAM(Member|Binding|Policy):\w+$/i,
    // A custom role is of the team's own making: iam-custom-role-safe looks at it.
    judge: ({ at, settings }) =>
      everyGrant(at, ({ role }) => any([role.is(...settings.roles), role.matches(/^(projects|organizations)\//)])),
  }),
  resourcePolicy({
    id: 'pubsub-push-oidc-https',
    description:
      'A push goes over TLS and carries a token for its receiver, so that nobody else can pretend to be Pub/Sub.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Use an https pushEndpoint with oidcToken.serviceAccountEmail and oidcToken.audience.',
    url: 'https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions',
    references: {},
    types: [subscription],
    // Without an endpoint the subscription is pulled.
    judge: ({ at }) =>
      when(at('pushConfig.pushEndpoint').exists(), () =>
        all([
          at('pushConfig.pushEndpoint').matches(/^https:\/\//),
          at('pushConfig.oidcToken.serviceAccountEmail').isFilled(),
          at('pushConfig.oidcToken.audience').isFilled(),
        ]),
      ),
  }),
  resourcePolicy({
    id: 'pubsub-topic-region-pinned',
    description: 'Messages are kept and carried in named regions: readings of devices can be personal data.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set messageStoragePolicy.allowedPersistenceRegions and enforceInTransit.',
    url: 'https://cloud.google.com/pubsub/docs/resource-location-restriction',
    references: {},
    settings: { regions: { default: [], description: 'Regions that are allowed; empty: any that are named.' } },
    types: [topic],
    judge: ({ at, settings }) =>
      all([
        at('messageStoragePolicy.allowedPersistenceRegions').isFilled(),
        at('messageStoragePolicy.allowedPersistenceRegions').every((region) =>
          settings.regions.length === 0 ? yes : region.is(...settings.regions),
        ),
        at('messageStoragePolicy.enforceInTransit').is(true),
      ]),
  }),
  resourcePolicy({
    id: 'pubsub-subscription-no-expiry',
    description:
      'A subscription does not delete itself: by default 31 idle days end it, and messages after that are lost.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set expirationPolicy.ttl to the empty text.',
    url: 'https://cloud.google.com/pubsub/docs/subscription-properties#expiration_period',
    references: {},
    types: [subscription],
    // A policy without a ttl never expires; no policy is the default of 31 days.
    judge: ({ at }) => all([at('expirationPolicy').exists(), at('expirationPolicy.ttl').orElse('').is('')]),
    remedy: () => ({ 'expirationPolicy.ttl': '' }),
  }),
  stackPolicy({
    id: 'pubsub-subscription-dead-letter',
    description:
      'A message that its reader cannot take is set aside after 5 to 100 attempts instead of coming back for ever.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Set deadLetterPolicy with deadLetterTopic and maxDeliveryAttempts, or a schema on the topic, so that it takes nothing unreadable.',
    url: 'https://cloud.google.com/pubsub/docs/handling-failures#dead_letter_topic',
    references: {},
    judge: (stack) => stack.ofType(subscription).map((each) => deadLettering(stack, each)),
  }),
];

/**
 * Three kinds need none: what reads dead letters (its own would go in a circle), exports to Cloud Storage (no reader that
 * could fail), and readers of a topic whose schema refuses at publishing what they could not read.
 */
function deadLettering(stack: Stack, given: Stack['resources'][number]): Finding {
  const topics = given.sourcesOf('topic').filter(({ type }) => type === topic);
  const readsDeadLetters = topics.some((each) =>
    stack.dependentsOf(each, 'deadLetterPolicy').some(({ type }) => type === subscription),
  );
  if (readsDeadLetters) return { urn: given.urn, answer: yes };
  const attempts = given.at('deadLetterPolicy.maxDeliveryAttempts').orElse(5);
  return {
    urn: given.urn,
    answer: any([
      given.at('cloudStorageConfig').exists(),
      ...topics.map((each) => each.at('schemaSettings.schema').isFilled()),
      all([given.at('deadLetterPolicy.deadLetterTopic').isFilled(), attempts.atLeast(5), attempts.atMost(100)]),
    ]),
  };
}
