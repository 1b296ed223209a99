import { type Answer, all, answer, unknown, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, refersTo, some } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { hasMember } from './relations.ts';

const keyType = 'gcp:kms/cryptoKey:CryptoKey';
const ringType = 'gcp:kms/keyRing:KeyRing';
const grants = /^gcp:kms\/(cryptoKey|keyRing)IAM(Member|Binding):/;

/** A product that encrypts with a key of the project's: where it names the key and its place, and as whom it asks. */
type User = {
  type: string;
  keys: (resource: Resource) => readonly Reading[];
  location: string;
  /** Its agent's domain. https://cloud.google.com/iam/docs/service-agents */
  agent: string;
  /** The API that makes the agent, as a ServiceIdentity names it. */
  service: string;
  roles?: readonly string[];
};

const at =
  (...paths: string[]) =>
  (resource: Resource): readonly Reading[] =>
    paths.map(resource.at);
const encrypting = ['roles/cloudkms.cryptoKeyEncrypterDecrypter'];

const users: readonly User[] = [
  {
    type: 'gcp:container/cluster:Cluster',
    keys: at('databaseEncryption.keyName'),
    location: 'location',
    agent: 'container-engine-robot',
    service: 'container.googleapis.com',
  },
  {
    type: 'gcp:sql/databaseInstance:DatabaseInstance',
    keys: at('encryptionKeyName'),
    location: 'region',
    agent: 'gcp-sa-cloud-sql',
    service: 'sqladmin.googleapis.com',
  },
  {
    type: 'gcp:pubsub/topic:Topic',
    keys: at('kmsKeyName'),
    location: '',
    agent: 'gcp-sa-pubsub',
    service: 'pubsub.googleapis.com',
  },
  {
    type: 'gcp:storage/bucket:Bucket',
    keys: at('encryption.defaultKmsKeyName'),
    location: 'location',
    agent: 'gs-project-accounts',
    service: 'storage.googleapis.com',
  },
  {
    type: 'gcp:artifactregistry/repository:Repository',
    keys: at('kmsKeyName'),
    location: 'location',
    agent: 'gcp-sa-artifactregistry',
    service: 'artifactregistry.googleapis.com',
  },
  {
    type: 'gcp:secretmanager/secret:Secret',
    keys: (secret) => [
      secret.at('replication.auto.customerManagedEncryption.kmsKeyName'),
      ...secret
        .at('replication.userManaged.replicas')
        .items()
        .map((replica) => replica.at('customerManagedEncryption.kmsKeyName')),
    ],
    location: '',
    agent: 'gcp-sa-secretmanager',
    service: 'secretmanager.googleapis.com',
  },
  {
    type: 'gcp:memorystore/instance:Instance',
    keys: at('kmsKey'),
    location: 'location',
    agent: 'gcp-sa-memorystore',
    service: 'memorystore.googleapis.com',
  },
  {
    type: 'gcp:redis/instance:Instance',
    keys: at('customerManagedKey'),
    location: 'region',
    agent: 'cloud-redis',
    service: 'redis.googleapis.com',
  },
  {
    type: 'gcp:redis/cluster:Cluster',
    keys: at('kmsKey'),
    location: 'region',
    agent: 'cloud-redis',
    service: 'redis.googleapis.com',
  },
  {
    type: 'gcp:firestore/database:Database',
    keys: at('cmekConfig.kmsKeyName'),
    location: 'locationId',
    agent: 'gcp-sa-firestore',
    service: 'firestore.googleapis.com',
  },
  {
    type: 'gcp:certificateauthority/authority:Authority',
    keys: at('keySpec.cloudKmsKeyVersion'),
    location: 'location',
    agent: 'gcp-sa-privateca',
    service: 'privateca.googleapis.com',
    roles: ['roles/cloudkms.signerVerifier', 'roles/cloudkms.signer'],
  },
];

/** Each place of the stack that names a key. */
const uses = (stack: Stack) =>
  users.flatMap((user) =>
    stack.ofType(user.type).flatMap((resource) =>
      user
        .keys(resource)
        .filter(({ state }) => state !== 'absent')
        .map((place) => ({ ...user, resource, place })),
    ),
  );

/** Keys of other stacks are granted there. */
const keysNamedBy = (stack: Stack, resource: Resource, place: Reading) =>
  stack
    .ofType(keyType)
    .map((key) => ({ key, is: refersTo(resource, place.path, key) }))
    .filter(({ is }) => is.is !== 'no');

export const customerKeyPolicies: readonly Policy[] = [
  stackPolicy({
    id: 'stack-cmek-agents-granted',
    description:
      'A product that encrypts with a key of this stack may use it before it is made: its service agent is granted on the key, and the resource waits for the grant.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Grant roles/cloudkms.cryptoKeyEncrypterDecrypter (a CA: signerVerifier) on the key to the service agent of the product, and list the grant in dependsOn.',
    url: 'https://cloud.google.com/kms/docs/cmek#grant_permissions',
    references: {},
    judge: (stack) =>
      uses(stack).map(
        (use): Finding => ({
          urn: use.resource.urn,
          answer: all(
            keysNamedBy(stack, use.resource, use.place).map(({ key, is }) =>
              when(is, () => named(granted(stack, use, key), `${use.place.path}: no grant on it that this waits for`)),
            ),
          ),
        }),
      ),
  }),
  stackPolicy({
    id: 'kms-location-matches',
    description: 'A key is where it is used: a regional product takes no key of another region.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Make the key ring in the location of the resource (a multi-region one for a multi-region resource).',
    url: 'https://cloud.google.com/kms/docs/cmek#when-to-use',
    references: {},
    judge: (stack) =>
      uses(stack)
        .filter(({ location }) => location !== '')
        .map(
          (use): Finding => ({
            urn: use.resource.urn,
            answer: all(
              keysNamedBy(stack, use.resource, use.place).flatMap(({ key, is }) =>
                stack
                  .ofType(ringType)
                  .map((ring) => ({ ring, in: refersTo(key, 'keyRing', ring) }))
                  .filter((each) => each.in.is !== 'no')
                  .map(({ ring, in: inside }) =>
                    when(all([is, inside]), () => sameRegion(ring.at('location'), use.resource.at(use.location))),
                  ),
              ),
            ),
          }),
        ),
  }),
];

const granted = (
  stack: Stack,
  { agent, service, roles = encrypting, resource }: User & { resource: Resource },
  key: Resource,
): Answer =>
  some(stack.ofType(grants), (grant) =>
    all([
      onKey(stack, grant, key),
      grant.at('role').is(...roles),
      toAgent(grant, agent, service),
      answer(
        resource.dependencies.some(({ urn }) => urn === grant.urn),
        'dependsOn',
      ),
    ]),
  );

/** On the key itself, or on the ring that it is in. */
const onKey = (stack: Stack, grant: Resource, key: Resource): Answer =>
  grant.type.includes('keyRing')
    ? some(stack.ofType(ringType), (ring) => all([refersTo(grant, 'keyRingId', ring), refersTo(key, 'keyRing', ring)]))
    : refersTo(grant, 'cryptoKeyId', key);

function toAgent(grant: Resource, agent: string, service: string): Answer {
  const made = [...grant.sourcesOf('member'), ...grant.sourcesOf('members')].filter(({ type }) =>
    /^gcp:(projects\/serviceIdentity:|storage\/getProjectServiceAccount)/.test(type),
  );
  if (made.some((each) => each.at('service').is(service).is === 'yes')) return yes;
  return hasMember(grant, (member) =>
    member.matches(new RegExp(`^serviceAccount:service-\\d+@${agent}\\.iam\\.gserviceaccount\\.com$`)),
  );
}

/** Zones are in their region; names of locations are written in either case. */
function sameRegion(ring: Reading, place: Reading): Answer {
  if (ring.state === 'unknown') return unknown(ring.path);
  const region = (text: unknown) =>
    String(text)
      .toLowerCase()
      .replace(/-[a-z]$/, '');
  return place.test((text) => region(text) === region(ring.value));
}
