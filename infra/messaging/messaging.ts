import { readFileSync } from 'node:fs';
import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { type BusTopic, busName, busPlan, type SubscriptionPlan } from '../../runtime/contracts/bus.ts';
import { access, type WorkloadName, workloadNames } from '../access.ts';
import { Component, type ComponentArgs } from '../component.ts';
import { memberOf } from '../identity/names.ts';
import { nameOf } from '../plan/names.ts';
import { Archive } from './archive.ts';

export type MessagingArgs = ComponentArgs & {
  /** IAM member of Pub/Sub's service agent: it forwards dead letters and writes the archive. */
  pubsubAgent: pulumi.Input<string>;
  /** What must stand before the first grant: enabled APIs, the agent, the workloads' service accounts. */
  after: readonly pulumi.Resource[];
};

const seconds = (n: number) => `${n}s`;
const daySeconds = 86_400;

/**
 * Topics and subscriptions of `busPlan` under the same names as on one machine, with the grants of `access` on each of
 * them. Services may neither make nor change any.
 */
export class Messaging extends Component {
  /** By the plan's names: `telemetry`. */
  readonly topics: Readonly<Record<BusTopic, gcp.pubsub.Topic>>;
  /** By the plan's names: `telemetry-processor`. */
  readonly subscriptions: Readonly<Record<string, gcp.pubsub.Subscription>>;
  /** Copies of all telemetry in Cloud Storage, in tiers that keep one. */
  readonly archive: Archive | null;
  readonly #args: MessagingArgs;

  constructor(name: string, args: MessagingArgs, options: pulumi.ComponentResourceOptions) {
    super('messaging:Messaging', name, args, options);
    this.#args = args;
    const schema = this.#schema();
    this.topics = this.#topics(schema);
    this.subscriptions = Object.fromEntries(busPlan.subscriptions.map((plan) => [plan.name, this.#subscription(plan)]));
    this.#grantDeadLettering();
    this.#grantWorkloads();
    this.archive = this.environment.tier.messaging.archive ? this.#archive(name) : null;
    this.finish({ topics: Object.values(this.topics).map((topic) => topic.name) });
  }

  /**
   * Only `lifecycle` has a schema. A telemetry body is the device's own payload, JSON or CBOR: a topic's schema would make
   * the bus refuse what the processor keeps as a dead letter with its reason. Protocol buffers and not Avro, whose JSON
   * wants an optional `reason` as `{"string": …}`: https://avro.apache.org/docs/1.11.1/specification/#json-encoding
   */
  #schema(): gcp.pubsub.Schema {
    return this.make(
      gcp.pubsub.Schema,
      'lifecycle-event',
      {
        name: nameOf('pubsub', this.environment.name, 'lifecycle-event'),
        type: 'PROTOCOL_BUFFER',
        definition: readFileSync(new URL('lifecycle-event.proto', import.meta.url), 'utf8'),
        deletionPolicy: this.environment.tier.lifecycle.deletionPolicy,
      },
      // A topic whose schema is gone refuses every message: https://cloud.google.com/pubsub/docs/delete-schema
      { guarded: true, dependsOn: [...this.#args.after] },
    );
  }

  #topics(schema: gcp.pubsub.Schema): Record<BusTopic, gcp.pubsub.Topic> {
    const { name, region, tier, hardening } = this.environment;
    const topic = (topicName: BusTopic) =>
      this.make(
        gcp.pubsub.Topic,
        topicName,
        {
          name: nameOf('pubsub', busName(name, topicName)),
          // Longer than the databases' recovery window: a database restored to T is brought up to date by seeking its
          // subscription to before T (docs/how-to/restore.md).
          messageRetentionDuration: seconds(tier.messaging.topicRetentionDays * daySeconds),
          // A publisher elsewhere is refused, or it would carry readings through its region. Ours are in this one: the
          // global endpoint leads them to Pub/Sub here, and nowhere else when that is away.
          // https://cloud.google.com/pubsub/docs/resource-location-restriction
          // https://cloud.google.com/pubsub/docs/reference/service_apis_overview#global_endpoint
          ...(hardening['messaging.regionalStorage']
            ? { messageStoragePolicy: { allowedPersistenceRegions: [region], enforceInTransit: true } }
            : {}),
          ...(topicName === 'lifecycle' ? { schemaSettings: { schema: schema.id, encoding: 'JSON' } } : {}),
          deletionPolicy: tier.lifecycle.deletionPolicy,
        },
        { guarded: true, dependsOn: [...this.#args.after] },
      );
    return Object.fromEntries(busPlan.topics.map((each) => [each, topic(each)])) as Record<BusTopic, gcp.pubsub.Topic>;
  }

  #subscription(plan: SubscriptionPlan): gcp.pubsub.Subscription {
    const { name, tier } = this.environment;
    const { deadLetter } = plan;
    return this.make(
      gcp.pubsub.Subscription,
      plan.name,
      {
        name: nameOf('pubsub', busName(name, plan.name)),
        topic: this.topics[plan.topic].id,
        ackDeadlineSeconds: plan.ackDeadlineSeconds,
        messageRetentionDuration: seconds(plan.retentionSeconds),
        // Never: by default a subscription that nobody read for 31 days is deleted with its backlog.
        // https://cloud.google.com/pubsub/docs/subscription-properties#expiration
        expirationPolicy: { ttl: '' },
        retryPolicy: {
          minimumBackoff: seconds(plan.retry.minimumBackoffSeconds),
          maximumBackoff: seconds(plan.retry.maximumBackoffSeconds),
        },
        ...(deadLetter === undefined
          ? {}
          : {
              deadLetterPolicy: {
                deadLetterTopic: this.topics[deadLetter.topic].id,
                maxDeliveryAttempts: deadLetter.maxDeliveryAttempts,
              },
            }),
        deletionPolicy: tier.lifecycle.deletionPolicy,
      },
      { guarded: true },
    );
  }

  /**
   * Pub/Sub itself moves a dead letter: its agent publishes to the dead-letter topic and acknowledges at the source.
   * Without either grant nothing is forwarded, silently: https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions
   */
  #grantDeadLettering(): void {
    const granted = new Set<BusTopic>();
    for (const plan of busPlan.subscriptions) {
      if (plan.deadLetter === undefined) continue;
      // Once a topic: two resources of one grant would take it from each other when one goes.
      if (!granted.has(plan.deadLetter.topic))
        this.#publisher(`${plan.name}-forward`, plan.deadLetter.topic, this.#args.pubsubAgent);
      granted.add(plan.deadLetter.topic);
      this.#subscriber(`${plan.name}-forward-acks`, plan.name, this.#args.pubsubAgent);
    }
  }

  #grantWorkloads(): void {
    for (const workload of workloadNames) {
      const member = memberOf(this.environment, workload);
      for (const topic of access[workload].publish)
        this.#publisher(`${topic}-${workload}`, topicNamed(workload, topic), member);
      for (const subscription of access[workload].subscribe)
        this.#subscriber(`${subscription}-${workload}`, subscriptionNamed(workload, subscription), member);
    }
  }

  #publisher(child: string, topic: BusTopic, member: pulumi.Input<string>): void {
    this.make(
      gcp.pubsub.TopicIAMMember,
      `${child}-publishes`,
      { topic: this.topics[topic].name, role: 'roles/pubsub.publisher', member },
      { dependsOn: [...this.#args.after] },
    );
  }

  #subscriber(child: string, subscription: string, member: pulumi.Input<string>): void {
    this.make(
      gcp.pubsub.SubscriptionIAMMember,
      `${child}-reads`,
      {
        subscription: (this.subscriptions[subscription] as gcp.pubsub.Subscription).name,
        role: 'roles/pubsub.subscriber',
        member,
      },
      { dependsOn: [...this.#args.after] },
    );
  }

  #archive(name: string): Archive {
    const { environment, pubsubAgent, after } = this.#args;
    return new Archive(
      `${name}-archive`,
      { environment, topic: this.topics.telemetry, pubsubAgent, after },
      { parent: this },
    );
  }
}

function topicNamed(workload: WorkloadName, name: string): BusTopic {
  const found = busPlan.topics.find((topic) => topic === name);
  if (found === undefined)
    throw new Error(`access of ${workload} names topic '${name}'; topics are ${busPlan.topics.join(', ')}`);
  return found;
}

function subscriptionNamed(workload: WorkloadName, name: string): string {
  const names = busPlan.subscriptions.map((subscription) => subscription.name);
  if (!names.includes(name))
    throw new Error(`access of ${workload} names subscription '${name}'; subscriptions are ${names.join(', ')}`);
  return name;
}
