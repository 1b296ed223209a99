import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Recording, Registration } from '../../infra/recording/record.ts';
import { recordEnvironment } from './support/environments.ts';
import { allRecordings, recordingOf, type TierRecording } from './support/recordings.ts';
import { missingLabels } from './support/rules/labels.ts';
import { lawlessNames } from './support/rules/names.ts';
import { brokenDestroyOrder } from './support/rules/order.ts';
import { onDefaultProviders } from './support/rules/providers.ts';
import { danglingReferences } from './support/rules/references.ts';
import { plainSecrets } from './support/rules/secrets.ts';
import { changedUrns } from './support/rules/urns.ts';
import { root } from './truth/compile.ts';

const tiers = ['ephemeral', 'dev', 'staging', 'prod'] as const;
let all: readonly TierRecording[];
beforeAll(async () => {
  all = await allRecordings();
}, 60_000);

/** Problems of a rule over every tier in up and preview. */
const over = (rule: (recording: Recording) => readonly string[]) =>
  all.flatMap(({ tier, recording }) => rule(recording).map((problem) => `${tier} (${recording.mode}): ${problem}`));

/** A recording with one registration changed; what it shares with the original stays as it is. */
function withFault(recording: Recording, type: string, change: (each: Draft) => void): Recording {
  const registrations = structuredClone(recording.registrations) as unknown as Draft[];
  const target = registrations.find((each) => each.type === type);
  if (target === undefined) throw new Error(`the recording has no ${type}`);
  change(target);
  return { ...recording, registrations: registrations as unknown as Registration[] };
}
type Draft = { -readonly [K in keyof Registration]: Registration[K] } & { inputs: Record<string, unknown> };
const topic = 'gcp:pubsub/topic:Topic';
const network = 'gcp:compute/network:Network';
const subnet = 'gcp:compute/subnetwork:Subnetwork';

describe('the environment program', () => {
  test.each(tiers)('%s: a preview registers what an up registers', async (tier) => {
    const [up, preview] = [await recordingOf(tier, 'up'), await recordingOf(tier, 'preview')];
    expect(up.registrations.length).toBeGreaterThan(3);
    expect(preview.registrations.map(({ urn }) => urn)).toEqual(up.registrations.map(({ urn }) => urn));
  });

  test('a loosened default warns with its path and both values', async () => {
    const { warnings } = await recordEnvironment({
      tier: 'prod',
      settings: { hardening: { 'edge.cloudArmor': false } },
    });
    expect(warnings).toContainEqual(
      expect.stringMatching(/^hardening edge\.cloudArmor is false, and the default is true/),
    );
  });

  test('a tier or a shard count that goes down is refused before anything is registered', async () => {
    const history = { tier: 'prod', shards: 3, region: 'europe-west1', project: 'iot-dev-1' };
    await expect(recordEnvironment({ tier: 'dev', history })).rejects.toThrow(
      /tier is 'dev', and the stack is up as prod.*\n.*shards is 1, and the stack is up with 3/,
    );
  });

  test('all wrong settings are named at once', async () => {
    await expect(
      recordEnvironment({ tier: 'prod', settings: { domain: 'x', tierr: 1, region: 'mars' } }),
    ).rejects.toThrow(
      /3 wrong settings of stack prod:\n.*region is 'mars'.*\n.*domain is 'x'.*\n.*tierr is not a setting; did you mean tier\?/,
    );
  });
});

describe('URNs', () => {
  test.each(tiers)('%s: are those of the committed list', async (tier) => {
    expect(changedUrns(goldenOf(tier), await recordingOf(tier, 'up'))).toEqual([]);
  });

  test('a changed one is named with the way to accept it, and an alias takes the place of the old one', async () => {
    const recording = await recordingOf('dev', 'up');
    const file = join(mkdtempSync(join(tmpdir(), 'urns-')), 'golden.txt');
    const old = `${network}::old-vpc`;
    const lines = recording.registrations.map(({ urn }) => urn.split('::').slice(2).join('::'));
    writeFileSync(file, `${[...lines, old].join('\n')}\n`);
    expect(changedUrns(file, recording)).toEqual([
      expect.stringMatching(/old-vpc is gone and no alias takes its place/),
      expect.stringMatching(/^If that is meant, UPDATE=1 npx vitest run test\/infra\/program\.test\.ts writes /),
    ]);
    const aliased = withFault(recording, network, (each) => (each.aliases = ['old-vpc']));
    expect(changedUrns(file, aliased)[0]).toMatch(/old-vpc became another resource's alias/);
  });
});

describe('every resource', () => {
  test('has an explicit provider of its package', async () => {
    expect(over(onDefaultProviders)).toEqual([]);
    const bare = withFault(await recordingOf('prod', 'up'), network, (each) => (each.provider = ''));
    expect(onDefaultProviders(bare)).toEqual([expect.stringMatching(/network-vpc has the default provider$/)]);
  });

  test('holds no secret in the open', async () => {
    expect(over(plainSecrets)).toEqual([]);
    const recording = await recordingOf('prod', 'up');
    for (const [key, value] of [
      ['rootPassword', 'hunter2hunter2'],
      ['description', 'postgres://iot:hunter2@10.0.0.1/core'],
      ['description', '-----BEGIN EC PRIVATE KEY-----\nMHc'],
      ['env', [{ name: 'IOT_DB_PASSWORD', value: 'hunter2' }]],
    ] as const)
      expect(
        plainSecrets(withFault(recording, network, (each) => (each.inputs[key] = value))),
        `${key} = ${JSON.stringify(value)}`,
      ).toHaveLength(1);
  });

  test('has the labels of the platform', async () => {
    expect(over((recording) => missingLabels(recording, root))).toEqual([]);
    const recording = await recordingOf('prod', 'up');
    const bare = withFault(
      recording,
      'pulumi:providers:gcp',
      (each) => (each.inputs['defaultLabels'] = '{"tier":"prod"}'),
    );
    expect(missingLabels(bare, root)).toEqual([
      'pulumi:providers:gcp gcp: defaultLabels lacks environment, owner, managed-by, platform',
    ]);
    const foreign = withFault(recording, network, (each) => {
      each.type = 'gcp:monitoring/alertPolicy:AlertPolicy';
    });
    expect(missingLabels(foreign, root)).toEqual([expect.stringMatching(/network-vpc: userLabels lacks environment/)]);
  });

  test('has a name that its API takes', async () => {
    expect(over(lawlessNames)).toEqual([]);
    const recording = await recordingOf('prod', 'up');
    const wrong = (type: string, name: unknown) =>
      lawlessNames(withFault(recording, type, (each) => (each.inputs['name'] = name)));
    expect(wrong(network, 'Prod_Network')).toEqual([expect.stringMatching(/name 'Prod_Network' breaks compute/)]);
    expect(wrong(topic, 'goog-topic')).toEqual([expect.stringMatching(/name 'goog-topic' breaks pubsub/)]);
    expect(wrong(network, undefined)).toEqual([expect.stringMatching(/has no name$/)]);
    const foreign = withFault(recording, network, (each) => (each.type = 'gcp:redis/cluster:Cluster'));
    expect(lawlessNames(foreign)).toEqual([expect.stringMatching(/does not say whose law it obeys/)]);
  });

  test('waits for what it names', async () => {
    expect(over(danglingReferences)).toEqual([]);
    const loose = withFault(await recordingOf('prod', 'up'), subnet, (each) => {
      each.dependencies = [];
      each.propertyDependencies = {};
    });
    expect(danglingReferences(loose)).toContainEqual(
      expect.stringMatching(/network-nodes: network names .*network-vpc, and nothing makes it wait for that$/),
    );
  });
});

describe('a destroy', () => {
  test('deletes objects that made things in the cloud, then the cluster, then the network', async () => {
    expect(over(brokenDestroyOrder)).toEqual([]);
  });

  test('a load balancer that goes with its cluster, and a cluster that does not wait for its network, are found', async () => {
    const recording = await recordingOf('prod', 'up');
    const gateway = 'kubernetes:gateway.networking.k8s.io/v1:Gateway';
    const cluster = recording.registrations.find(({ type }) => type === 'gcp:container/cluster:Cluster');
    const left = withFault(recording, gateway, (each) => {
      each.deletedWith = cluster?.urn ?? '';
    });
    expect(brokenDestroyOrder(left)).toEqual([
      expect.stringMatching(/is deletedWith .*: what it made in the cloud stays/),
    ]);
    const loose = withFault(recording, 'gcp:container/cluster:Cluster', (each) => {
      each.dependencies = [];
      each.propertyDependencies = {};
    });
    expect(brokenDestroyOrder(loose)).toContainEqual(
      expect.stringMatching(
        /Cluster cluster-cluster does not depend on .*network-vpc: a destroy may delete that first/,
      ),
    );
  });
});

const goldenOf = (tier: string) => join(root, `test/infra/golden/${tier}.urns.txt`);
