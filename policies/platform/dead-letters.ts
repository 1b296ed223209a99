import { type Answer, all, any, no, not, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import { named, refersTo, some } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { hasMember } from './relations.ts';

const topicType = 'gcp:pubsub/topic:Topic';
const subscriptionType = 'gcp:pubsub/subscription:Subscription';
const deadLetterTopic = 'deadLetterPolicy.deadLetterTopic';
/** https://cloud.google.com/iam/docs/service-agents#cloud-pub-sub-service-account */
const agentEmail = /^serviceAccount:service-\d+@gcp-sa-pubsub\.iam\.gserviceaccount\.com$/;

/**
 * Pub/Sub forwards with its own service agent. Without these grants a subscription looks complete and forwards nothing:
 * messages come back for ever. https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions
 */
const complete = stackPolicy({
  id: 'stack-dead-letters-complete',
  description:
    'A subscription that dead-letters does so: its topic is declared here and is another one than its source, somebody reads it, and the Pub/Sub service agent may publish to it and acknowledge at the source.',
  severity: 'high',
  level: 'mandatory',
  remediation:
    'Declare the dead-letter topic with a subscription of its own, grant roles/pubsub.publisher on that topic and roles/pubsub.subscriber on the source subscription to service-PROJECT_NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com.',
  url: 'https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions',
  references: {},
  judge: (stack) =>
    stack
      .ofType(subscriptionType)
      .filter((subscription) => subscription.at('deadLetterPolicy').state !== 'absent')
      .map((subscription): Finding => ({ urn: subscription.urn, answer: forwards(stack, subscription) })),
});

function forwards(stack: Stack, subscription: Resource): Answer {
  const topics = stack
    .ofType(topicType)
    .map((topic) => ({ topic, named: refersTo(subscription, deadLetterTopic, topic) }));
  const topic = topics.find(({ named: { is } }) => is === 'yes')?.topic;
  if (topic === undefined)
    return any(topics.map(({ named: given }) => named(given, deadLetterTopic)).concat(no(deadLetterTopic)));
  return all([
    named(not(refersTo(subscription, 'topic', topic)), `${deadLetterTopic} is the subscription's own topic`),
    named(
      some(stack.ofType(subscriptionType), (reader) => refersTo(reader, 'topic', topic)),
      `${deadLetterTopic} has no subscription`,
    ),
    named(
      granted(stack, /^gcp:pubsub\/topicIAM(Member|Binding):/, 'topic', topic, 'roles/pubsub.publisher'),
      `${deadLetterTopic} has no grant to publish for the service agent`,
    ),
    named(
      granted(
        stack,
        /^gcp:pubsub\/subscriptionIAM(Member|Binding):/,
        'subscription',
        subscription,
        'roles/pubsub.subscriber',
      ),
      'no grant to acknowledge here for the service agent',
    ),
  ]);
}

const granted = (stack: Stack, grants: RegExp, property: string, on: Resource, role: string): Answer =>
  some(stack.ofType(grants), (grant) =>
    all([grant.at('role').is(role), refersTo(grant, property, on), toAgent(grant)]),
  );

/** The member is Pub/Sub's agent: by its address, or because it comes from the resource that makes that agent. */
function toAgent(grant: Resource): Answer {
  const made = [...grant.sourcesOf('member'), ...grant.sourcesOf('members')].some(
    (source) =>
      source.type === 'gcp:projects/serviceIdentity:ServiceIdentity' &&
      source.at('service').is('pubsub.googleapis.com').is === 'yes',
  );
  return made ? yes : hasMember(grant, (member) => member.matches(agentEmail));
}

export const deadLetterPolicies: readonly Policy[] = [complete];
