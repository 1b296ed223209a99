import * as gcp from '@pulumi/gcp';
import * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { nameOf } from '../plan/names.ts';

export type ArchiveArgs = ComponentArgs & {
  topic: gcp.pubsub.Topic;
  /** IAM member of Pub/Sub's service agent: it writes as the archive's own account. */
  pubsubAgent: pulumi.Input<string>;
  after: readonly pulumi.Resource[];
};

/** Days after which a copy is in cheaper storage, and after which it is deleted: rollups are kept as long. */
const nearlineAfterDays = 30;
const keptDays = 400;

/**
 * Every message of a topic as Avro files in Cloud Storage, written by Pub/Sub itself. It outlives the topic's retention:
 * what is older than that can be loaded from here.
 */
export class Archive extends Component {
  readonly bucket: gcp.storage.Bucket;
  readonly subscription: gcp.pubsub.Subscription;
  /** As which the subscription writes; the e-mail is literal. */
  readonly account: { email: string; ready: pulumi.Resource };
  readonly #args: ArchiveArgs;

  constructor(name: string, args: ArchiveArgs, options: pulumi.ComponentResourceOptions) {
    super('messaging:Archive', name, args, options);
    this.#args = args;
    this.bucket = this.#bucket();
    const writer = this.#writer();
    const { name: environment, project } = this.environment;
    this.account = {
      email: `${nameOf('serviceAccount', environment, 'archive')}@${project}.iam.gserviceaccount.com`,
      ready: writer,
    };
    this.subscription = this.#subscription(writer, this.#grants(writer));
    this.finish({ bucket: this.bucket.name });
  }

  #bucket(): gcp.storage.Bucket {
    const { name, project, region, tier } = this.environment;
    return this.make(
      gcp.storage.Bucket,
      'bucket',
      {
        // Bucket names are the whole world's; a project id is unique in it.
        name: nameOf('bucket', project, name, 'telemetry'),
        location: region.toUpperCase(),
        // IAM alone decides, no list of an object's own: https://cloud.google.com/storage/docs/uniform-bucket-level-access
        uniformBucketLevelAccess: true,
        // Nobody can make it public by mistake: https://cloud.google.com/storage/docs/public-access-prevention
        publicAccessPrevention: 'enforced',
        // An overwritten or deleted object can be had back for 30 days.
        versioning: { enabled: true },
        lifecycleRules: [
          { action: { type: 'SetStorageClass', storageClass: 'NEARLINE' }, condition: { age: nearlineAfterDays } },
          { action: { type: 'Delete' }, condition: { age: keptDays } },
          { action: { type: 'Delete' }, condition: { daysSinceNoncurrentTime: 30 } },
        ],
        labels: { ...this.environment.labels },
        forceDestroy: tier.lifecycle.forceDelete,
        deletionPolicy: tier.lifecycle.deletionPolicy,
      },
      { guarded: true },
    );
  }

  /** An account of its own and not the agent's: its rights end at this bucket. */
  #writer(): gcp.serviceaccount.Account {
    const { name } = this.environment;
    return this.make(
      gcp.serviceaccount.Account,
      'writer',
      {
        accountId: nameOf('serviceAccount', name, 'archive'),
        displayName: `Archive of telemetry, ${name}`,
      },
      { dependsOn: [...this.#args.after] },
    );
  }

  /** https://cloud.google.com/pubsub/docs/create-cloudstorage-subscription#assign_roles_service_accounts */
  #grants(writer: gcp.serviceaccount.Account): pulumi.Resource[] {
    const member = pulumi.interpolate`serviceAccount:${writer.email}`;
    return [
      this.make(gcp.storage.BucketIAMMember, 'writer-creates', {
        bucket: this.bucket.name,
        role: 'roles/storage.objectCreator',
        member,
      }),
      // Pub/Sub reads the bucket's metadata before it writes.
      this.make(gcp.storage.BucketIAMMember, 'writer-sees', {
        bucket: this.bucket.name,
        role: 'roles/storage.legacyBucketReader',
        member,
      }),
      this.make(gcp.serviceaccount.IAMMember, 'agent-writes-as', {
        serviceAccountId: writer.name,
        role: 'roles/iam.serviceAccountTokenCreator',
        member: this.#args.pubsubAgent,
      }),
    ];
  }

  /** No dead letters: a file that cannot be written is tried again until the retention ends, and nobody else waits for it. */
  #subscription(writer: gcp.serviceaccount.Account, grants: pulumi.Resource[]): gcp.pubsub.Subscription {
    const { name, tier } = this.environment;
    return this.make(
      gcp.pubsub.Subscription,
      'subscription',
      {
        name: nameOf('pubsub', name, 'telemetry-archive'),
        topic: this.#args.topic.id,
        cloudStorageConfig: {
          bucket: this.bucket.name,
          // With metadata, or attributes (tenant, device, trace) would be lost.
          avroConfig: { writeMetadata: true },
          filenamePrefix: 'telemetry/',
          filenameDatetimeFormat: 'YYYY/MM/DD/hh_mm_ssZ',
          filenameSuffix: '.avro',
          maxDuration: '300s',
          maxBytes: 1_000_000_000,
          serviceAccountEmail: writer.email,
        },
        ackDeadlineSeconds: 300,
        messageRetentionDuration: '604800s',
        expirationPolicy: { ttl: '' },
        retryPolicy: { minimumBackoff: '10s', maximumBackoff: '600s' },
        deletionPolicy: tier.lifecycle.deletionPolicy,
      },
      { guarded: true, dependsOn: grants },
    );
  }
}
