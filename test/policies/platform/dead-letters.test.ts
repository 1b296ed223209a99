import { notKnownYet } from '../../../policies/framework/testing.ts';
import { deadLetterPolicies } from '../../../policies/platform/dead-letters.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { both, edit, flow, literal, without } from './changes.ts';

const subscription = 'pubsub/subscription:';
const forward = 'telemetry-processor-forward';
const agent = 'serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com';

prove(deadLetterPolicies, platform.policies, [
  {
    policy: 'stack-dead-letters-complete',
    along: ['stack-topic-has-consumer'],
    broken: {
      'nobody may publish to the topic': without('TopicIAMMember', forward),
      'nobody may acknowledge at the source': without('SubscriptionIAMMember', forward),
      'another role': edit('TopicIAMMember', forward, { role: 'roles/pubsub.viewer' }),
      'the grant is on another topic': flow('TopicIAMMember', forward, 'topic', 'pubsub/topic:', 'lifecycle'),
      'the grant is for a person': literal('SubscriptionIAMMember', forward, { member: 'user:a@example.com' }),
      'nobody reads the topic': without(subscription, 'dead-letters-keeper'),
      'the topic is the source itself': flow(
        subscription,
        'telemetry-processor',
        'deadLetterPolicy',
        'pubsub/topic:',
        'messaging-telemetry',
      ),
      'the topic is not in the stack': literal(subscription, 'telemetry-processor', {
        'deadLetterPolicy.deadLetterTopic': 'projects/other/topics/other',
      }),
    },
    fine: {
      "the agent's address in full": literal('TopicIAMMember', forward, { member: agent }),
      'a binding that names the agent among others': (resources) =>
        literal('TopicIAMMember', forward, { member: undefined, members: ['user:a@example.com', agent] })(resources),
      'names instead of references': both(
        literal(subscription, 'telemetry-processor', {
          'deadLetterPolicy.deadLetterTopic': 'projects/iot-prod-1/topics/prod-telemetry-dead-letters',
        }),
        literal('TopicIAMMember', forward, { topic: 'prod-telemetry-dead-letters' }),
      ),
      'an unknown reference that flows from the topic': edit(subscription, 'telemetry-processor', {
        'deadLetterPolicy.deadLetterTopic': notKnownYet,
      }),
    },
    unknown: literal('SubscriptionIAMMember', forward, { member: notKnownYet }),
    absent: edit(subscription, 'telemetry-processor', { deadLetterPolicy: undefined }),
    absentIs: 'passes',
  },
]);
