import { describe, expect, test } from 'vitest';
import { kubernetesMemberOf } from '../../../infra/identity/names.ts';
import { laneOf } from '../../../infra/preview/lane.ts';
import { record } from '../../../infra/recording/record.ts';
import { PreviewSettings } from '../../../infra/settings/schema.ts';
import { run } from '../../../stacks/index.ts';

const images = `europe-west1-docker.pkg.dev/iot-dev-1/dev-images/jobs@sha256:${'1'.repeat(64)}`;
const host = {
  deployed: { tier: 'dev', shards: 1, project: 'iot-dev-1', region: 'europe-west1' },
  cluster: { name: 'dev', endpoint: 'https://gke-1.europe-west1.gke.goog' },
  namespace: 'iot-dev',
  lends: {
    databases: { core: 'iot-dev-1:europe-west1:dev-core-beef', shards: ['iot-dev-1:europe-west1:dev-shard-0-beef'] },
    pubsubAgent: 'serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com',
    jobsImage: images,
  },
};
const settings = {
  program: 'preview',
  project: 'iot-dev-1',
  region: 'europe-west1',
  environment: 'dev',
  pullRequest: 12,
  branch: 'feature/x',
  leaseUntil: '2026-11-24T12:00:00Z',
};
const recordPreview = (mode: 'up' | 'preview', given: object = {}, outputs: object = host) =>
  record({
    project: 'iot-platform',
    stack: 'pr-12',
    config: Object.fromEntries(
      Object.entries({ ...settings, ...given }).map(([key, value]) => [`iot-platform:${key}`, String(value)]),
    ),
    mode,
    stackOutputs: { 'organization/iot-platform/dev': { ...outputs } },
    program: run,
  });

describe('the preview program', () => {
  test("its pods are nobody's but its own, also where an environment has the name that it has", async () => {
    const { registrations } = await recordPreview('up');
    const [namespace] = registrations.filter(({ type }) => type === 'kubernetes:core/v1:Namespace');
    if (namespace === undefined) throw new Error('no namespace');
    const { name } = namespace.inputs['metadata'] as { name: string };
    expect(kubernetesMemberOf({ name: 'dev-pr-12', project: 'iot-dev-1' }, 'migrator')).not.toContain(`[${name}/`);
  });

  test('registers namespace, accounts, topics and the job that copies databases, the same in a preview', async () => {
    const { registrations } = await recordPreview('up');
    const preview = await recordPreview('preview');
    expect(preview.registrations.map(({ urn }) => urn)).toEqual(registrations.map(({ urn }) => urn));
    const of = (type: string) => registrations.filter((each) => each.type === type).map(({ inputs }) => inputs);

    expect(of('kubernetes:core/v1:Namespace')).toEqual([
      expect.objectContaining({
        metadata: expect.objectContaining({
          name: 'lane-dev-pr-12',
          labels: expect.objectContaining({
            'iot-platform/lease-until': '20261124T120000Z',
            'pod-security.kubernetes.io/enforce': 'restricted',
          }),
        }),
      }),
    ]);
    expect(of('gcp:pubsub/topic:Topic').map(({ name }) => name)).toEqual([
      'dev-pr-12-lifecycle',
      'dev-pr-12-telemetry',
      'dev-pr-12-telemetry-dead-letters',
      'dev-pr-12-updates',
    ]);
    const [job] = of('kubernetes:batch/v1:Job') as [{ metadata: { namespace: string }; spec: object }];
    // With the environment's image and account, never the branch's.
    expect(job.metadata.namespace).toBe('iot-dev');
    const text = JSON.stringify(job.spec);
    expect(text).toContain(images);
    expect(text).toContain(
      'cloudsql:iot-dev-1:europe-west1:dev-core-beef/lane_dev_pr_12_core?user=dev-migrator@iot-dev-1.iam',
    );
    expect(of('kubernetes:core/v1:ResourceQuota')).toHaveLength(1);
    expect(
      registrations.filter(({ custom, provider, type }) => custom && provider === '' && !type.startsWith('pulumi:')),
    ).toEqual([]);
    expect(registrations.some(({ protect }) => protect)).toBe(false);
  });

  test('an environment that is not up, or is up elsewhere, is one clear refusal', async () => {
    await expect(recordPreview('up', {}, {})).rejects.toThrow(
      /environment is 'dev', and that stack has no deployed, cluster, namespace, lends among its outputs: bring it up first/,
    );
    await expect(recordPreview('up', {}, { ...host, lends: null })).rejects.toThrow(/whose tier takes no previews/);
    await expect(recordPreview('up', { region: 'europe-west4' })).rejects.toThrow(
      /region is 'europe-west4', and environment dev is up in 'europe-west1'/,
    );
  });

  test('the lease ends on a full hour, so that a second up within the hour changes nothing', () => {
    const parsed = PreviewSettings.parse({ ...settings, leaseUntil: undefined, leaseHours: 24 });
    const given = { name: 'dev', ...host.deployed, cluster: host.cluster, namespace: host.namespace, ...host.lends };
    const until = (iso: string) => laneOf('pr-12', parsed, given, Date.parse(iso)).until;
    const asGiven = (leaseUntil: string) => laneOf('pr-12', { ...parsed, leaseUntil }, given, 0).until;
    expect(asGiven('2026-11-24T12:00:00Z')).toBe('2026-11-24T12:00:00.000Z');
    expect(asGiven('2026-11-24 12:00:00 +0000 UTC')).toBe('2026-11-24T12:00:00.000Z');
    expect(until('2026-11-22T10:20:00Z')).toBe('2026-11-23T11:00:00.000Z');
    expect(until('2026-11-22T10:59:59Z')).toBe('2026-11-23T11:00:00.000Z');
  });
});
