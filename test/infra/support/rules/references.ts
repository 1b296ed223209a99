import { type Recording, unknownValue } from '../../../../infra/recording/record.ts';
import { opened } from '../../truth/literals.ts';
import { called, Graph, textsIn } from './graph.ts';

/** How a resource is named by others: the collection of its path, and the inputs that hold its bare name. */
type Identity = { type: string; name: string; collection?: string; keys?: readonly string[] };

const identities: readonly Identity[] = [
  { type: 'gcp:compute/network:Network', name: 'name', collection: 'networks', keys: ['network'] },
  { type: 'gcp:compute/subnetwork:Subnetwork', name: 'name', collection: 'subnetworks', keys: ['subnetwork'] },
  { type: 'gcp:compute/router:Router', name: 'name', collection: 'routers', keys: ['router'] },
  { type: 'gcp:compute/address:Address', name: 'name', collection: 'addresses' },
  { type: 'gcp:compute/globalAddress:GlobalAddress', name: 'name', collection: 'addresses' },
  { type: 'gcp:compute/securityPolicy:SecurityPolicy', name: 'name', collection: 'securityPolicies' },
  { type: 'gcp:compute/networkFirewallPolicy:NetworkFirewallPolicy', name: 'name', keys: ['firewallPolicy'] },
  { type: 'gcp:container/cluster:Cluster', name: 'name', collection: 'clusters', keys: ['cluster'] },
  { type: 'gcp:sql/databaseInstance:DatabaseInstance', name: 'name', collection: 'instances', keys: ['instance'] },
  { type: 'gcp:pubsub/topic:Topic', name: 'name', collection: 'topics', keys: ['topic'] },
  { type: 'gcp:pubsub/subscription:Subscription', name: 'name', collection: 'subscriptions', keys: ['subscription'] },
  { type: 'gcp:pubsub/schema:Schema', name: 'name', collection: 'schemas' },
  { type: 'gcp:secretmanager/secret:Secret', name: 'secretId', collection: 'secrets', keys: ['secretId', 'secret'] },
  { type: 'gcp:kms/keyRing:KeyRing', name: 'name', collection: 'keyRings' },
  { type: 'gcp:kms/cryptoKey:CryptoKey', name: 'name', collection: 'cryptoKeys' },
  { type: 'gcp:certificateauthority/caPool:CaPool', name: 'name', collection: 'caPools', keys: ['pool', 'caPool'] },
  {
    type: 'gcp:certificateauthority/authority:Authority',
    name: 'certificateAuthorityId',
    collection: 'certificateAuthorities',
  },
  { type: 'gcp:firestore/database:Database', name: 'name', collection: 'databases', keys: ['database'] },
  { type: 'gcp:storage/bucket:Bucket', name: 'name', collection: 'buckets', keys: ['bucket'] },
  {
    type: 'gcp:artifactregistry/repository:Repository',
    name: 'repositoryId',
    collection: 'repositories',
    keys: ['repository'],
  },
  { type: 'gcp:dns/managedZone:ManagedZone', name: 'name', collection: 'managedZones', keys: ['managedZone'] },
  {
    type: 'gcp:certificatemanager/certificateMap:CertificateMap',
    name: 'name',
    collection: 'certificateMaps',
    keys: ['map', 'networking.gke.io/certmap'],
  },
  { type: 'gcp:serviceaccount/account:Account', name: 'accountId', collection: 'serviceAccounts' },
  { type: 'kubernetes:core/v1:ConfigMap', name: 'metadata.name', keys: ['configMap', 'configMapRef'] },
];

/** Read when a pod starts, and pods wait for the identities: the account itself may come in any order. */
const borrowed = 'metadata.annotations.iam.gke.io/gcp-service-account';

/**
 * Resources that name another one by a literal without depending on it: in an empty project they may be made before it.
 * Found by paths (`…/topics/NAME`), e-mails of service accounts, and bare names in inputs that hold such a name.
 */
export function danglingReferences(recording: Recording): string[] {
  const graph = new Graph(recording);
  const targets = recording.registrations.flatMap((each) =>
    identities
      .filter(({ type }) => type === each.type)
      .flatMap((identity) => {
        const name = identity.name
          .split('.')
          .reduce<unknown>((at, key) => (opened(at) as Record<string, unknown> | undefined)?.[key], each.inputs);
        return typeof name === 'string' && name !== unknownValue ? [{ each, identity, name }] : [];
      }),
  );
  const problems = new Set<string>();
  for (const each of recording.registrations) {
    if (!each.custom) continue;
    for (const { path, text, key } of textsIn(each.inputs)) {
      if (path.endsWith(borrowed)) continue;
      for (const target of targets) {
        if (target.each.urn === each.urn || !names(text, key, target.identity, target.name)) continue;
        if (!graph.before(each.urn).has(target.each.urn) && !graph.before(target.each.urn).has(each.urn))
          problems.add(`${called(each)}: ${path} names ${called(target.each)}, and nothing makes it wait for that`);
      }
    }
  }
  return [...problems];
}

function names(text: string, key: string, identity: Identity, name: string): boolean {
  if (identity.collection !== undefined && endsAt(text, `${identity.collection}/${name}`)) return true;
  if (identity.type === 'gcp:serviceaccount/account:Account') return text.includes(`${name}@`);
  return identity.keys?.includes(key) === true && text === name;
}

/** Whether the path stands in the text as a whole: `topics/a` is not in `topics/ab`. */
function endsAt(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1))
    if (!/[\w-]/.test(text[at + path.length] ?? '') && !/[\w-]/.test(text[at - 1] ?? '')) return true;
  return false;
}
