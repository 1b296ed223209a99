import { describe, expect, test } from 'vitest';
import { access, workloadNames } from '../../../infra/access.ts';
import { Messaging } from '../../../infra/messaging/messaging.ts';
import type { Recording, Registration } from '../../../infra/recording/record.ts';
import { tierNames, tiers } from '../../../infra/tiers.ts';
import { busPlan } from '../../../runtime/contracts/bus.ts';
import { type ComponentGiven, ofType, only, recordComponent } from '../support/component.ts';

const agent = 'serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com';
const recordMessaging = (given: ComponentGiven) =>
  recordComponent(given, (environment, options) => {
    new Messaging('messaging', { environment, pubsubAgent: agent, after: [] }, options);
    return {};
  });
const topics = 'gcp:pubsub/topic:Topic';
const subscriptions = 'gcp:pubsub/subscription:Subscription';
const named = (recording: Recording, type: string, name: string): Registration =>
  only(recording, type, `messaging-${name}`);

describe.each(tierNames)('%s', (tier) => {
  test('has the topics and subscriptions of the plan, named by its environment, up and at preview', async () => {
    const up = await recordMessaging({ tier });
    const preview = await recordMessaging({ tier, mode: 'preview' });
    expect(preview.registrations.map((each) => each.urn)).toEqual(up.registrations.map((each) => each.urn));
    for (const recording of [up, preview]) {
      const plain = ofType(recording, subscriptions).filter((each) => each.inputs['cloudStorageConfig'] === undefined);
      expect(plain.map((each) => each.inputs['name']).sort()).toEqual(
        busPlan.subscriptions.map((plan) => `${tier}-${plan.name}`).sort(),
      );
      expect(
        ofType(recording, topics)
          .map((each) => each.inputs['name'])
          .sort(),
      ).toEqual(busPlan.topics.map((topic) => `${tier}-${topic}`).sort());
    }
  });

  test('every subscription never expires, retries with a pause and is protected as the tier says', async () => {
    const recording = await recordMessaging({ tier });
    const { lifecycle } = tiers[tier];
    for (const { inputs, protect } of ofType(recording, subscriptions)) {
      expect(inputs).toMatchObject({ expirationPolicy: { ttl: '' }, deletionPolicy: lifecycle.deletionPolicy });
      expect(inputs['retryPolicy']).toMatchObject({ minimumBackoff: expect.stringMatching(/^\d+s$/) });
      expect(protect).toBe(lifecycle.protect);
    }
    for (const plan of busPlan.subscriptions)
      expect(named(recording, subscriptions, plan.name).inputs).toMatchObject({
        ackDeadlineSeconds: plan.ackDeadlineSeconds,
        messageRetentionDuration: `${plan.retentionSeconds}s`,
        retryPolicy: {
          minimumBackoff: `${plan.retry.minimumBackoffSeconds}s`,
          maximumBackoff: `${plan.retry.maximumBackoffSeconds}s`,
        },
      });
  });

  test('topics keep messages in the region, for as long as the tier says', async () => {
    const recording = await recordMessaging({ tier });
    for (const { inputs, protect } of ofType(recording, topics)) {
      expect(inputs).toMatchObject({
        messageRetentionDuration: `${tiers[tier].messaging.topicRetentionDays * 86_400}s`,
        messageStoragePolicy: { allowedPersistenceRegions: ['europe-west1'], enforceInTransit: true },
        deletionPolicy: tiers[tier].lifecycle.deletionPolicy,
      });
      expect(protect).toBe(tiers[tier].lifecycle.protect);
    }
  });

  test('a seek reaches back behind every point that the database can be restored to (docs/how-to/restore.md)', () => {
    const { database, messaging } = tiers[tier];
    if (database.backups !== null)
      expect(messaging.topicRetentionDays).toBeGreaterThan(database.backups.pointInTimeDays);
    expect(messaging.topicRetentionDays).toBeLessThanOrEqual(31);
  });

  test('the archive is there as the tier says', async () => {
    const recording = await recordMessaging({ tier });
    expect(ofType(recording, 'gcp:storage/bucket:Bucket')).toHaveLength(tiers[tier].messaging.archive ? 1 : 0);
  });
});

test('a loosened storage policy leaves the region open', async () => {
  const recording = await recordMessaging({
    tier: 'dev',
    settings: { hardening: { 'messaging.regionalStorage': false } },
  });
  expect(named(recording, topics, 'telemetry').inputs).not.toHaveProperty('messageStoragePolicy');
});

describe('dead letters', () => {
  test('come with both grants of the agent, and somebody reads the topic', async () => {
    const recording = await recordMessaging({ tier: 'prod' });
    const forwarding = busPlan.subscriptions.filter((plan) => plan.deadLetter !== undefined);
    expect(forwarding.length).toBeGreaterThan(0);
    for (const plan of forwarding) {
      const target = `prod-${plan.deadLetter?.topic}`;
      expect(named(recording, subscriptions, plan.name).inputs['deadLetterPolicy']).toEqual({
        deadLetterTopic: `projects/iot-prod-1/topics/${target}`,
        maxDeliveryAttempts: plan.deadLetter?.maxDeliveryAttempts,
      });
      const held = grantsOf(recording).filter((grant) => grant.member === agent);
      expect(held).toContainEqual({ on: target, role: 'roles/pubsub.publisher', member: agent });
      expect(held).toContainEqual({ on: `prod-${plan.name}`, role: 'roles/pubsub.subscriber', member: agent });
      const readers = ofType(recording, subscriptions).filter(
        (each) => each.inputs['topic'] === `projects/iot-prod-1/topics/${target}`,
      );
      expect(readers).toHaveLength(1);
    }
  });
});

test('workloads hold what access says, on the topic or subscription and nowhere else', async () => {
  const recording = await recordMessaging({ tier: 'dev' });
  const wanted = workloadNames.flatMap((workload) => {
    const member = `serviceAccount:dev-${workload}@iot-dev-1.iam.gserviceaccount.com`;
    return [
      ...access[workload].publish.map((topic) => ({ on: `dev-${topic}`, role: 'roles/pubsub.publisher', member })),
      ...access[workload].subscribe.map((name) => ({ on: `dev-${name}`, role: 'roles/pubsub.subscriber', member })),
    ];
  });
  const given = grantsOf(recording).filter((grant) => grant.member !== agent);
  expect(given.sort(byText)).toEqual(wanted.sort(byText));
  expect(recording.registrations.filter((each) => each.type.startsWith('gcp:projects/'))).toEqual([]);
});

test('the archive writes with an account of its own, into a bucket that nobody can open', async () => {
  const recording = await recordMessaging({ tier: 'prod' });
  const bucket = only(recording, 'gcp:storage/bucket:Bucket');
  expect(bucket.inputs).toMatchObject({
    name: 'iot-prod-1-prod-telemetry',
    location: 'EUROPE-WEST1',
    uniformBucketLevelAccess: true,
    publicAccessPrevention: 'enforced',
    versioning: { enabled: true },
    forceDestroy: false,
    deletionPolicy: 'PREVENT',
  });
  expect(bucket.protect).toBe(true);
  const writer = 'serviceAccount:prod-archive@iot-prod-1.iam.gserviceaccount.com';
  const onBucket = ofType(recording, 'gcp:storage/bucketIAMMember:BucketIAMMember').map(({ inputs }) => [
    inputs['role'],
    inputs['member'],
  ]);
  expect(onBucket.sort()).toEqual([
    ['roles/storage.legacyBucketReader', writer],
    ['roles/storage.objectCreator', writer],
  ]);
  expect(only(recording, 'gcp:serviceaccount/iAMMember:IAMMember').inputs).toMatchObject({
    role: 'roles/iam.serviceAccountTokenCreator',
    member: agent,
  });
  const subscription = only(recording, subscriptions, 'messaging-archive-subscription');
  expect(subscription.inputs).toMatchObject({
    topic: 'projects/iot-prod-1/topics/prod-telemetry',
    cloudStorageConfig: {
      bucket: 'iot-prod-1-prod-telemetry',
      avroConfig: { writeMetadata: true },
      serviceAccountEmail: 'prod-archive@iot-prod-1.iam.gserviceaccount.com',
    },
  });
  const grants = [
    ...ofType(recording, 'gcp:storage/bucketIAMMember:BucketIAMMember'),
    only(recording, 'gcp:serviceaccount/iAMMember:IAMMember'),
  ];
  expect(subscription.dependencies).toEqual(expect.arrayContaining(grants.map((grant) => grant.urn)));
});

const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
const grantsOf = (recording: Recording) =>
  [
    ...ofType(recording, 'gcp:pubsub/topicIAMMember:TopicIAMMember'),
    ...ofType(recording, 'gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember'),
  ].map(({ inputs }) => ({
    on: inputs['topic'] ?? inputs['subscription'],
    role: inputs['role'],
    member: inputs['member'],
  }));
