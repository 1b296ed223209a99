import type { RawResource } from '../../../policies/framework/stack.ts';
import { notKnownYet } from '../../../policies/framework/testing.ts';
import { customerKeyPolicies } from '../../../policies/platform/customer-keys.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { prove } from '../support/prove.ts';
import { adding, both, type Change, edit, literal, without } from './changes.ts';

const cluster = 'container/cluster:';
const grant = 'cryptoKeyIAMMember';
const agent = 'keys-cluster-secrets-agent';
const ring = 'kms/keyRing:';
const topic = 'gcp:pubsub/topic:Topic';

/** The cluster forgets what it waits for; what flows into it stays. */
const waitingForNothing: Change = (resources: RawResource[]) =>
  resources.map((each) => (each.type.includes(cluster) ? { ...each, dependencies: [] } : each));
const keyOf = (resources: readonly RawResource[]) =>
  resources.find(({ name }) => name === 'keys-cluster-secrets')?.urn ?? '';
/** A topic with the cluster's key, as a preview has it: nothing is known but what flows. */
const encryptedTopic: Change = (resources) =>
  adding(topic, { kmsKeyName: notKnownYet }, { propertyDependencies: { kmsKeyName: [keyOf(resources)] } })(resources);

prove(customerKeyPolicies, platform.policies, [
  {
    policy: 'stack-cmek-agents-granted',
    along: ['stack-topic-has-consumer'],
    broken: {
      'no grant': without(grant, agent),
      'another role': edit(grant, agent, { role: 'roles/cloudkms.viewer' }),
      'another agent': literal(grant, agent, {
        member: 'serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com',
      }),
      'a grant on another key': literal(grant, agent, {
        cryptoKeyId: 'projects/p/locations/l/keyRings/r/cryptoKeys/other',
      }),
      'it does not wait for the grant': waitingForNothing,
      "another product's topic with the key": encryptedTopic,
    },
    fine: {
      'a key of another stack': both(
        without(grant, agent),
        literal(cluster, '', { 'databaseEncryption.keyName': 'projects/p/locations/l/keyRings/r/cryptoKeys/theirs' }),
      ),
    },
    unknown: edit(grant, agent, { role: notKnownYet }),
    absent: literal(cluster, '', { databaseEncryption: undefined }),
    absentIs: 'passes',
  },
  {
    policy: 'kms-location-matches',
    broken: {
      'another region': edit(ring, '', { location: 'us-central1' }),
      'all of Europe for one region': edit(ring, '', { location: 'europe' }),
    },
    fine: { 'a zone of the region': edit(cluster, '', { location: 'europe-west1-b' }) },
    along: ['stack-single-region', 'stack-prod-survives-zone'],
    unknown: edit(ring, '', { location: notKnownYet }),
    absent: literal(cluster, '', { databaseEncryption: undefined }),
    absentIs: 'passes',
  },
]);
