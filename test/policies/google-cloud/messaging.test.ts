import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet, withValue } from '../../../policies/framework/testing.ts';
import { messagingPolicies } from '../../../policies/google-cloud/messaging.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { prove } from '../support/prove.ts';

const subscription = 'gcp:pubsub/subscription:Subscription';
const topic = 'gcp:pubsub/topic:Topic';
const changed = (name: string, path: string, value: unknown) => (resources: RawResource[]) =>
  resources.map((each) => (each.name === name ? { ...each, props: withValue(each.props, path, value) } : each));
const attempts = 'deadLetterPolicy.maxDeliveryAttempts';
const reader = 'messaging-telemetry-processor';

prove(messagingPolicies, googleCloud.policies, [
  {
    policy: 'pubsub-least-role',
    on: 'gcp:pubsub/topicIAMMember:TopicIAMMember',
    at: 'role',
    broken: [{ value: 'roles/pubsub.admin' }, { value: 'roles/pubsub.editor' }],
    fine: [{ value: 'roles/pubsub.viewer' }, { value: 'projects/project-1/roles/counter' }],
    absent: 'fires',
  },
  {
    policy: 'pubsub-push-oidc-https',
    on: { type: subscription, name: 'telemetry-processor' },
    given: {
      'pushConfig.pushEndpoint': 'https://receiver.example.com/',
      'pushConfig.oidcToken': { serviceAccountEmail: 'push@project-1.iam.gserviceaccount.com', audience: 'receiver' },
    },
    at: 'pushConfig.pushEndpoint',
    broken: [
      { value: 'http://receiver.example.com/' },
      { set: { 'pushConfig.oidcToken': undefined } },
      { set: { 'pushConfig.oidcToken.audience': '' } },
      { set: { 'pushConfig.oidcToken.serviceAccountEmail': '' } },
    ],
    fine: [{ set: { pushConfig: {} } }],
    absent: 'passes',
  },
  {
    policy: 'pubsub-topic-region-pinned',
    on: topic,
    at: 'messageStoragePolicy.enforceInTransit',
    broken: [
      { value: false },
      { set: { 'messageStoragePolicy.allowedPersistenceRegions': [] } },
      { set: { messageStoragePolicy: undefined } },
    ],
    fine: [{ set: { 'messageStoragePolicy.allowedPersistenceRegions': ['europe-west1', 'europe-west4'] } }],
    absent: 'fires',
  },
  {
    policy: 'pubsub-subscription-no-expiry',
    on: subscription,
    at: 'expirationPolicy',
    broken: [{ value: { ttl: '2678400s' } }],
    fine: [{ value: {} }],
    absent: 'fires',
  },
  {
    policy: 'pubsub-subscription-dead-letter',
    broken: {
      'no policy': changed(reader, 'deadLetterPolicy', undefined),
      'too few attempts': changed(reader, attempts, 1),
      'a topic without its schema': changed('messaging-lifecycle', 'schemaSettings', undefined),
      'a topic of another stack': (all) =>
        all.map((each) => (each.name === 'messaging-lifecycle-devices' ? { ...each, propertyDependencies: {} } : each)),
    },
    fine: {
      'fewest attempts': changed(reader, attempts, 5),
      "the API's own number": changed(reader, attempts, undefined),
      'a topic that is not known yet': changed(reader, 'deadLetterPolicy.deadLetterTopic', notKnownYet),
      'a schema that is not known yet': changed('messaging-lifecycle', 'schemaSettings.schema', notKnownYet),
      'an archive': changed('messaging-archive-subscription', 'retryPolicy', undefined),
    },
    unknown: changed(reader, attempts, notKnownYet),
    absent: changed(reader, 'deadLetterPolicy.deadLetterTopic', undefined),
    absentIs: 'fires',
  },
]);
