import { expect, test } from 'vitest';
import { services } from '../../../infra/project/services.ts';
import { recordEnvironment } from '../support/environments.ts';

/** The API behind each module of the provider; a new module has to be added here, and its API with it. */
const apiOf: Readonly<Record<string, string>> = {
  artifactregistry: 'artifactregistry',
  billing: 'billingbudgets',
  binaryauthorization: 'binaryauthorization',
  certificateauthority: 'privateca',
  certificatemanager: 'certificatemanager',
  compute: 'compute',
  container: 'container',
  dns: 'dns',
  firestore: 'firestore',
  gkebackup: 'gkebackup',
  iam: 'iam',
  kms: 'cloudkms',
  logging: 'logging',
  memorystore: 'memorystore',
  monitoring: 'monitoring',
  networkconnectivity: 'networkconnectivity',
  projects: 'cloudresourcemanager',
  pubsub: 'pubsub',
  secretmanager: 'secretmanager',
  serviceaccount: 'iam',
  sql: 'sqladmin',
  storage: 'storage',
  tags: 'cloudresourcemanager',
};

test('the API of every resource is turned on', async () => {
  // With everything that a setting can add.
  const { registrations } = await recordEnvironment({
    tier: 'prod',
    settings: {
      clusterMode: 'standard',
      deviceCertificates: 'cas',
      administrators: ['user:ada@example.com'],
      budget: { billingAccount: '012345-6789AB-CDEF01', monthly: 1_000 },
      ci: { repository: 'example/platform' },
    },
  });
  const modules = [...new Set(registrations.flatMap(({ type }) => /^gcp:(\w+)\//.exec(type)?.[1] ?? []))].sort();
  expect(modules.length).toBeGreaterThan(10);
  expect(modules.filter((module) => !(apiOf[module] !== undefined && apiOf[module] in services))).toEqual([]);
});
