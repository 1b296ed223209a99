import { type Answer, all, answer, not, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Resource } from '../framework/stack.ts';

/** What survives the loss of a zone, by type. */
const redundant: Readonly<Record<string, (resource: Resource) => Answer>> = {
  'gcp:sql/databaseInstance:DatabaseInstance': (instance) =>
    // A read replica has its primary's redundancy to lean on.
    instance.at('masterInstanceName').state === 'absent'
      ? instance.at('settings.availabilityType').is('REGIONAL')
      : yes,
  'gcp:memorystore/instance:Instance': (instance) => instance.at('replicaCount').atLeast(1),
  'gcp:redis/cluster:Cluster': (cluster) => cluster.at('replicaCount').atLeast(1),
  'gcp:redis/instance:Instance': (instance) => instance.at('tier').is('STANDARD_HA'),
  'gcp:container/cluster:Cluster': (cluster) => not(cluster.at('location').matches(/-[a-z]$/), 'location'),
};

const surviveZone = stackPolicy({
  id: 'stack-prod-survives-zone',
  description:
    'In production each database, cache and cluster survives the loss of a zone: regional, or with a replica in another one.',
  severity: 'high',
  level: 'mandatory',
  tiers: ['prod'],
  remediation:
    'Set settings.availabilityType REGIONAL on databases, replicaCount 1 or more (tier STANDARD_HA) on caches, and a region instead of a zone as the location of the cluster.',
  url: 'https://cloud.google.com/architecture/infra-reliability-guide',
  references: {},
  judge: function* (stack): Iterable<Finding> {
    for (const [type, survives] of Object.entries(redundant))
      for (const resource of stack.ofType(type)) yield { urn: resource.urn, answer: survives(resource) };
  },
});

/** What holds data, or a name that devices and people know, and the flag by which its API refuses a deletion. */
const irreplaceable: Readonly<Record<string, ((resource: Resource) => Answer) | null>> = {
  'gcp:certificateauthority/authority:Authority': (authority) =>
    authority.at('deletionProtection').orElse(true).is(true),
  'gcp:certificateauthority/caPool:CaPool': null,
  'gcp:compute/network:Network': null,
  'gcp:container/cluster:Cluster': (cluster) => cluster.at('deletionProtection').orElse(true).is(true),
  'gcp:firestore/database:Database': (database) => database.at('deleteProtectionState').is('DELETE_PROTECTION_ENABLED'),
  'gcp:kms/cryptoKey:CryptoKey': null,
  'gcp:memorystore/instance:Instance': (instance) => instance.at('deletionProtectionEnabled').orElse(true).is(true),
  'gcp:redis/cluster:Cluster': (cluster) => cluster.at('deletionProtectionEnabled').orElse(true).is(true),
  'gcp:sql/databaseInstance:DatabaseInstance': (instance) =>
    all([
      instance.at('deletionProtection').orElse(true).is(true),
      instance.at('settings.deletionProtectionEnabled').is(true),
    ]),
  'gcp:storage/bucket:Bucket': (bucket) => bucket.at('forceDestroy').orElse(false).is(false),
};

/**
 * A wrong `destroy`, a renamed resource, or a hand in the console: each is refused by another layer, and one alone is
 * switched off by accident.
 */
const guarded = stackPolicy({
  id: 'stack-prod-durable',
  description:
    'In production what holds data or keys refuses its deletion in every layer that it has: the option protect of Pulumi, and the flag of its API.',
  severity: 'high',
  level: 'mandatory',
  tiers: ['prod'],
  remediation:
    'Set protect: true among the options of the resource, and its deletion protection (deletionProtection, settings.deletionProtectionEnabled, deleteProtectionState, forceDestroy false).',
  url: 'https://www.pulumi.com/docs/iac/concepts/options/protect/',
  references: { checkov: ['CKV_GCP_82'] },
  judge: function* (stack): Iterable<Finding> {
    for (const [type, flag] of Object.entries(irreplaceable))
      for (const resource of stack.ofType(type))
        yield {
          urn: resource.urn,
          answer: all([answer(resource.protect, 'protect'), flag === null ? yes : flag(resource)]),
        };
  },
});

export const durabilityPolicies: readonly Policy[] = [surviveZone, guarded];
