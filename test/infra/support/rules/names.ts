import { type NameKind, nameLaws } from '../../../../infra/plan/names.ts';
import { type Recording, unknownValue } from '../../../../infra/recording/record.ts';
import { opened } from '../../truth/literals.ts';
import { called } from './graph.ts';

/**
 * Which input of a type is its physical name, and whose law it obeys. `free`: a display name, a DNS name or another
 * thing that is no identifier of its own.
 */
const laws: readonly [type: RegExp, input: string, law: NameKind | 'free'][] = [
  [/^gcp:compute\/networkFirewallPolicyRule:/, 'ruleName', 'compute'],
  [/^gcp:compute\/networkFirewallPolicyAssociation:/, 'name', 'compute'],
  [/^gcp:compute\//, 'name', 'compute'],
  [/^gcp:container\/cluster:/, 'name', 'cluster'],
  [/^gcp:container\/nodePool:/, 'name', 'cluster'],
  [/^gcp:serviceaccount\/account:/, 'accountId', 'serviceAccount'],
  [/^gcp:sql\/databaseInstance:/, 'name', 'sqlInstance'],
  [/^gcp:sql\/database:/, 'name', 'free'],
  [/^gcp:sql\/user:/, 'name', 'free'],
  [/^gcp:memorystore\/instance:/, 'instanceId', 'memorystore'],
  [/^gcp:pubsub\/(topic|subscription|schema):/, 'name', 'pubsub'],
  [/^gcp:certificateauthority\/caPool:/, 'name', 'caPool'],
  [/^gcp:certificateauthority\/authority:/, 'certificateAuthorityId', 'caPool'],
  [/^gcp:certificateauthority\/certificateTemplate:/, 'name', 'caPool'],
  [/^gcp:kms\/(keyRing|cryptoKey):/, 'name', 'kms'],
  [/^gcp:secretmanager\/secret:/, 'secretId', 'secret'],
  [/^gcp:firestore\/database:/, 'name', 'firestore'],
  [/^gcp:storage\/bucket:/, 'name', 'bucket'],
  [/^gcp:artifactregistry\/repository:/, 'repositoryId', 'repository'],
  [/^gcp:iam\/workloadIdentityPool:/, 'workloadIdentityPoolId', 'identityPool'],
  [/^gcp:iam\/workloadIdentityPoolProvider:/, 'workloadIdentityPoolProviderId', 'identityPool'],
  [/^gcp:dns\/managedZone:/, 'name', 'dnsZone'],
  [/^gcp:dns\/recordSet:/, 'name', 'free'],
  [/^gcp:certificatemanager\//, 'name', 'compute'],
  [/^gcp:networkconnectivity\//, 'name', 'compute'],
  [/^gcp:gkebackup\//, 'name', 'compute'],
  [/^gcp:logging\/metric:/, 'name', 'pubsub'],
  [/^gcp:logging\/projectBucketConfig:/, 'bucketId', 'repository'],
  [/^gcp:logging\/projectSink:/, 'name', 'repository'],
  [/^gcp:logging\/projectExclusion:/, 'name', 'repository'],
  [/^gcp:tags\//, 'shortName', 'repository'],
];

/** Objects whose name may be a DNS subdomain of 253 characters; the rest are labels of 63. */
const subdomains = /^kubernetes:(rbac\.authorization\.k8s\.io|apiextensions\.k8s\.io|scheduling\.k8s\.io)\//;

/**
 * Names that their API would refuse, and types with a `name` of which nobody said whose law it obeys. A name that is
 * only known later ends with text made elsewhere: the law is asked about what is known of it in the up-mode recording.
 */
export function lawlessNames({ registrations }: Recording): string[] {
  return registrations.flatMap((each) => {
    if (each.type.startsWith('kubernetes:')) {
      const name = (each.inputs['metadata'] as { name?: unknown } | undefined)?.name;
      if (name === unknownValue) return [];
      if (typeof name !== 'string') return [`${called(each)} has no metadata.name: the provider would make one up`];
      const limit = subdomains.test(each.type) ? 253 : nameLaws.kubernetes.max;
      const fits = name.length <= limit && name.split('.').every((label) => nameLaws.kubernetes.pattern.test(label));
      return fits
        ? []
        : [`${called(each)}: metadata.name '${name}' is no Kubernetes name of at most ${limit} characters`];
    }
    if (!each.type.startsWith('gcp:')) return [];
    const law = laws.find(([type]) => type.test(each.type));
    if (law === undefined)
      return 'name' in each.inputs
        ? [`${called(each)} has a name, and test/infra/support/rules/names.ts does not say whose law it obeys`]
        : [];
    const [, input, kind] = law;
    const name = opened(each.inputs[input]);
    if (kind === 'free' || name === unknownValue) return [];
    // Without a name the provider makes one up, with a suffix that nobody knows before.
    if (typeof name !== 'string')
      return each.type.includes('NetworkFirewallPolicyRule') ? [] : [`${called(each)} has no ${input}`];
    const { min, max, pattern, source } = nameLaws[kind];
    return name.length >= min && name.length <= max && pattern.test(name)
      ? []
      : [`${called(each)}: ${input} '${name}' breaks ${kind}: ${min} to ${max} characters of ${pattern} (${source})`];
  });
}
