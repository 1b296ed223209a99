import { busPlan, type SubscriptionPlan } from '../../contracts/bus.ts';
import type { BusClient } from './client.ts';

const alreadyExists = 6;

/**
 * Creates the plan's topics and subscriptions where they are missing; what exists is left as it is. The local launcher
 * and tests call this; in the cloud the stack owns these resources and services may not create any.
 * @throws gRPC errors other than ALREADY_EXISTS.
 */
export async function ensureBus(
  client: BusClient,
  namespace: string,
  plan: { topics: readonly string[]; subscriptions: readonly SubscriptionPlan[] } = busPlan,
): Promise<void> {
  await Promise.all(
    plan.topics.map((topic) => ignoreExisting(client.pubsub.createTopic(client.topicPath(namespace, topic)))),
  );
  await Promise.all(plan.subscriptions.map((subscription) => ignoreExisting(create(client, namespace, subscription))));
}

function create(client: BusClient, namespace: string, plan: SubscriptionPlan): Promise<unknown> {
  return client.pubsub.createSubscription(
    client.topicPath(namespace, plan.topic),
    client.subscriptionPath(namespace, plan.name),
    {
      ackDeadlineSeconds: plan.ackDeadlineSeconds,
      messageRetentionDuration: plan.retentionSeconds,
      expirationPolicy: {},
      retryPolicy: {
        minimumBackoff: { seconds: plan.retry.minimumBackoffSeconds },
        maximumBackoff: { seconds: plan.retry.maximumBackoffSeconds },
      },
      ...(plan.deadLetter === undefined
        ? {}
        : {
            deadLetterPolicy: {
              deadLetterTopic: client.topicPath(namespace, plan.deadLetter.topic),
              maxDeliveryAttempts: plan.deadLetter.maxDeliveryAttempts,
            },
          }),
    },
  );
}

async function ignoreExisting(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if ((error as { code?: number }).code !== alreadyExists) throw error;
  }
}
