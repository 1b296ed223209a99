import * as gcp from '@pulumi/gcp';
import { describe, expect, it } from 'vitest';
import { Images } from '../../../infra/images/images.ts';
import { type ImageName, imageNames } from '../../../infra/images/names.ts';
import { digestOf } from '../../../infra/images/oci.ts';
import { type Digests, planImages } from '../../../infra/images/plan.ts';
import type { EnvironmentSettings } from '../../../infra/settings/schema.ts';
import { environmentFor, ofType, only, recordComponent } from '../support/component.ts';

const known: Digests = async (names) => Object.fromEntries(names.map((name) => [name, digestOf(name)]));
const unknown: Digests = async () => null;
const given = `registry.example/gateway@${digestOf('given')}`;
const at = 'europe-west1-docker.pkg.dev/iot-dev-1/dev-images';

async function recorded(digests: Digests, settings: Partial<EnvironmentSettings> = {}, mode: 'up' | 'preview' = 'up') {
  const plan = await planImages(environmentFor({ tier: 'dev', settings }), digests);
  let references: Readonly<Record<ImageName, string>> | undefined;
  const recording = await recordComponent({ tier: 'dev', settings, mode }, (environment, options) => {
    const images = new Images(
      'images',
      { environment, plan, nodeServiceAccount: 'dev-nodes@iot-dev-1.iam.gserviceaccount.com' },
      options,
    );
    references = images.references;
    expect(images.ready.length).toBeGreaterThan(0);
    return {};
  });
  if (references === undefined) throw new Error('the component was not made');
  return { plan, recording, references };
}
const pushes = (recording: Awaited<ReturnType<typeof recorded>>['recording']) =>
  ofType(recording, 'command:local:Command').map(({ name }) => name.replace('images-push-', ''));

describe('the plan of images', () => {
  it('names each built image by its digest in the environment’s repository, as plain text', async () => {
    const { references, plan } = await recorded(known);
    for (const name of imageNames) expect(references[name]).toBe(`${at}/${name}@${digestOf(name)}`);
    expect(plan.warnings).toEqual([]);
  });

  it('takes a given digest and does not build that image', async () => {
    const asked: ImageName[][] = [];
    const { references, recording } = await recorded(
      async (names) => {
        asked.push([...names]);
        return known(names);
      },
      { images: { gateway: given } },
    );
    expect(references.gateway).toBe(given);
    expect(asked.flat()).not.toContain('gateway');
    expect(pushes(recording)).toEqual(imageNames.filter((name) => name !== 'gateway').sort());
  });

  it('marks what the lock cannot name, says so once, and leaves the refusal to the push of each', async () => {
    const { references, plan, recording } = await recorded(unknown, { images: { gateway: given } });
    expect(references.api).toBe(`${at}/api:unresolved`);
    expect(references.gateway).toBe(given);
    expect(plan.warnings).toHaveLength(1);
    expect(plan.warnings[0]).toMatch(/^images processor, devices, .* are unresolved: .*npx iot image lock/);
    expect(pushes(recording)).toHaveLength(imageNames.length - 1);
  });

  it('does not build when all are given', async () => {
    const images = Object.fromEntries(imageNames.map((name) => [name, `registry.example/${name}@${digestOf(name)}`]));
    const plan = await planImages(environmentFor({ tier: 'dev', settings: { images } }), () => {
      throw new Error('was asked');
    });
    expect(plan.images.jobs.source).toBe('given');
  });
});

describe('the images component', () => {
  it.each(['up', 'preview'] as const)('registers repository, grant and a push each in %s', async (mode) => {
    const { recording } = await recorded(known, {}, mode);
    expect(only(recording, 'gcp:artifactregistry/repository:Repository').inputs).toMatchObject({
      repositoryId: 'dev-images',
      location: 'europe-west1',
      format: 'DOCKER',
      dockerConfig: { immutableTags: true },
      vulnerabilityScanningConfig: { enablementConfig: 'INHERITED' },
      cleanupPolicyDryRun: false,
    });
    expect(only(recording, 'gcp:artifactregistry/repositoryIamMember:RepositoryIamMember').inputs).toMatchObject({
      repository: 'dev-images',
      role: 'roles/artifactregistry.reader',
      member: 'serviceAccount:dev-nodes@iot-dev-1.iam.gserviceaccount.com',
    });
    const push = only(recording, 'command:local:Command', 'images-push-gateway');
    expect(push.inputs).toMatchObject({
      create: '[ -d infra/images ] || cd ..; exec node infra/images/push.mjs gateway',
      environment: { IMAGE_REFERENCE: `${at}/gateway@${digestOf('gateway')}` },
      triggers: [`${at}/gateway@${digestOf('gateway')}`],
    });
    expect(push.dependencies.some((urn) => urn.endsWith('::images-repository'))).toBe(true);
    expect(pushes(recording)).toEqual([...imageNames].sort());
  });

  it('lets pushes start before there are nodes; only the nodes’ grant waits', async () => {
    const plan = await planImages(environmentFor({ tier: 'dev' }), known);
    const recording = await recordComponent({ tier: 'dev' }, (environment, options) => {
      const [provider] = options.providers as gcp.Provider[];
      const account = new gcp.serviceaccount.Account(
        'nodes',
        { accountId: 'dev-nodes' },
        { provider: provider as gcp.Provider },
      );
      new Images(
        'images',
        { environment, plan, nodeServiceAccount: 'dev-nodes@x.iam.gserviceaccount.com', nodes: [account] },
        options,
      );
      return {};
    });
    const waits = recording.registrations.filter(({ dependencies }) =>
      dependencies.some((urn) => urn.endsWith('::nodes')),
    );
    expect(waits.map(({ name }) => name)).toEqual(['images-reader-nodes']);
  });

  it('is never protected: a registry holds nothing that cannot be built again', async () => {
    const { recording } = await recorded(known);
    expect(recording.registrations.filter(({ protect }) => protect)).toEqual([]);
  });

  it.each([
    ['built, pushImages off', known, { pushImages: false }, 0],
    ['unresolved, pushImages off: `up` still refuses by name', unknown, { pushImages: false }, imageNames.length],
    ['unresolved, rendered only: nothing will run them', unknown, { pushImages: false, renderKubernetesTo: 'out' }, 0],
  ] as const)('pushes %s', async (_, digests, settings, count) => {
    const { recording } = await recorded(digests, settings);
    expect(pushes(recording)).toHaveLength(count);
  });
});
