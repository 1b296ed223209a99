import * as pulumi from '@pulumi/pulumi';
import { describe, expect, test } from 'vitest';
import { access, workloadNames } from '../../../infra/access.ts';
import { Cache, cacheUrl } from '../../../infra/data/cache.ts';
import { Documents } from '../../../infra/data/documents.ts';
import { tierNames, tiers } from '../../../infra/tiers.ts';
import { documentsPlace, redisUrlProblem } from '../../../runtime/contracts/settings/cloud.ts';
import { type ComponentGiven, ofType, only, recordComponent } from '../support/component.ts';

const recordStores = (given: ComponentGiven) =>
  recordComponent(given, (environment, options) => {
    const network = { vpcId: 'projects/p/global/networks/n', servicePolicies: [] };
    const cache = new Cache('cache', { environment, network, after: [] }, options);
    const documents = new Documents(
      'documents',
      { environment, generation: pulumi.output('a1b2'), after: [] },
      options,
    );
    return { url: cache.url, ca: cache.caPem, database: documents.database };
  });
const valkey = 'gcp:memorystore/instance:Instance';
const firestore = 'gcp:firestore/database:Database';
const members = 'gcp:projects/iAMMember:IAMMember';

describe.each(tierNames)('%s', (tier) => {
  const { lifecycle, cache, documents } = tiers[tier];

  test('the same resources up and at preview', async () => {
    const up = await recordStores({ tier });
    const preview = await recordStores({ tier, mode: 'preview' });
    expect(preview.registrations.map((each) => each.urn)).toEqual(up.registrations.map((each) => each.urn));
  });

  test('Valkey takes IAM tokens over TLS only, in the VPC, and is as redundant and protected as the tier says', async () => {
    const { inputs, protect } = only(await recordStores({ tier }), valkey);
    expect(inputs).toMatchObject({
      instanceId: `${tier}-cache`,
      mode: 'CLUSTER_DISABLED',
      shardCount: 1,
      replicaCount: cache.replicas,
      authorizationMode: 'IAM_AUTH',
      transitEncryptionMode: 'SERVER_AUTHENTICATION',
      desiredAutoCreatedEndpoints: [{ network: 'projects/p/global/networks/n', projectId: `iot-${tier}-1` }],
      engineConfigs: { 'maxmemory-policy': 'noeviction' },
      deletionProtectionEnabled: lifecycle.apiProtection,
      deletionPolicy: lifecycle.deletionPolicy,
    });
    expect(protect).toBe(lifecycle.protect);
  });

  test('Firestore can go back in time, is backed up and protected as the tier says', async () => {
    const recording = await recordStores({ tier });
    const { inputs, protect } = only(recording, firestore);
    expect(inputs).toMatchObject({
      name: `${tier}-documents-a1b2`,
      type: 'FIRESTORE_NATIVE',
      pointInTimeRecoveryEnablement: `POINT_IN_TIME_RECOVERY_${documents.pointInTime ? 'ENABLED' : 'DISABLED'}`,
      deleteProtectionState: `DELETE_PROTECTION_${lifecycle.apiProtection ? 'ENABLED' : 'DISABLED'}`,
      deletionPolicy: lifecycle.deletionPolicy,
    });
    expect(protect).toBe(lifecycle.protect);
    expect(only(recording, 'gcp:firestore/field:Field').inputs).toMatchObject({ field: 'expires_at', ttlConfig: {} });
    const days = ofType(recording, 'gcp:firestore/backupSchedule:BackupSchedule').map(
      (each) => Number.parseInt(String(each.inputs['retention']), 10) / 86_400,
    );
    expect(Math.max(0, ...days)).toBe(documents.backupDays ?? 0);
  });
});

test('who reaches which store is what access says, each narrowed to one resource', async () => {
  const recording = await recordStores({ tier: 'prod' });
  const held = ofType(recording, members).map(({ inputs }) => [
    inputs['role'],
    inputs['member'],
    (inputs['condition'] as { expression: string }).expression,
  ]);
  const member = (workload: string) => `serviceAccount:prod-${workload}@iot-prod-1.iam.gserviceaccount.com`;
  const wanted = workloadNames.flatMap((workload) => [
    ...(access[workload].cache
      ? [
          [
            'roles/memorystore.dbConnectionUser',
            member(workload),
            'resource.name == "projects/iot-prod-1/locations/europe-west1/instances/prod-cache"',
          ],
        ]
      : []),
    ...(access[workload].documents
      ? [
          [
            'roles/datastore.user',
            member(workload),
            'resource.name == "projects/iot-prod-1/databases/prod-documents-a1b2"',
          ],
        ]
      : []),
  ]);
  expect(held.sort()).toEqual(wanted.sort());
});

test('the services take what the components give', async () => {
  const { outputs } = await recordStores({ tier: 'prod' });
  expect(outputs['url']).toBe('rediss://10.2.0.5:6379?auth=iam');
  expect(redisUrlProblem(outputs['url'] as string)).toBeUndefined();
  expect(outputs['ca']).toMatch(/^-----BEGIN CERTIFICATE-----\n[^-]+\n-----END CERTIFICATE-----\n$/);
  expect(documentsPlace().safeParse(`firestore:${outputs['database']}`).success).toBe(true);
});

describe('the address of Valkey', () => {
  const connection = (connectionType: string, ipAddress: string) => ({
    pscAutoConnection: { connectionType, ipAddress, port: 6379 },
  });

  test('is that of the primary, wherever it stands in the list', () => {
    expect(
      cacheUrl([
        {},
        { connections: [connection('CONNECTION_TYPE_READER', '10.0.0.1')] },
        { connections: [{}, connection('CONNECTION_TYPE_PRIMARY', '10.0.0.2')] },
      ]),
    ).toBe('rediss://10.0.0.2:6379?auth=iam');
  });

  test('that is not there names what to look at', () => {
    expect(() => cacheUrl([])).toThrow(
      /no endpoint of type CONNECTION_TYPE_PRIMARY \(it has none\).*service connection policy/,
    );
  });
});
