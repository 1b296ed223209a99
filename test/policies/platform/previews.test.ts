import { expect, test } from 'vitest';
import { judgeAll } from '../../../policies/framework/judge.ts';
import { levelIn } from '../../../policies/framework/pack.ts';
import type { RawResource } from '../../../policies/framework/stack.ts';
import { fixture, inProduction, notKnownYet } from '../../../policies/framework/testing.ts';
import { platform } from '../../../policies/platform/policies.ts';
import { previewPolicies, processorsOf } from '../../../policies/platform/previews.ts';
import { blueprints } from '../support/blueprints.ts';
import { prove, resourcesOf } from '../support/prove.ts';
import { both, type Change, edit, unprotect } from './changes.ts';

const provider = 'pulumi:providers:gcp';
const namespace = 'kubernetes:core/v1:Namespace';
/** Now is noon of 30 November 2026. */
const preview = (end: unknown, owner: unknown = 'team') => [
  fixture(provider, {
    defaultLabels: JSON.stringify({ owner, 'managed-by': 'pulumi', environment: 'dev', 'lease-until': end }),
  }),
  fixture(namespace, { metadata: { name: 'pr-12', labels: { 'iot-platform/lease-until': '20261201T120000Z' } } }),
];
const set =
  (resources: readonly RawResource[]): Change =>
  () =>
    resources;
const small = () => [
  fixture('gcp:sql/databaseInstance:DatabaseInstance', {
    region: 'europe-west1',
    deletionProtection: false,
    settings: { tier: 'db-custom-1-3840', edition: 'ENTERPRISE', availabilityType: 'ZONAL' },
  }),
  fixture('gcp:memorystore/instance:Instance', {
    deletionProtectionEnabled: false,
    nodeType: 'SHARED_CORE_NANO',
    replicaCount: 0,
  }),
  fixture('gcp:container/cluster:Cluster', { enableAutopilot: true, deletionProtection: false }),
  fixture('gcp:container/nodePool:NodePool', {
    nodeConfig: { spot: true, machineType: 'e2-standard-2' },
    autoscaling: { maxNodeCount: 2 },
  }),
  fixture('gcp:certificateauthority/caPool:CaPool', { tier: 'DEVOPS' }),
];
const sql = 'sql/databaseInstance';

prove(previewPolicies, platform.policies, [
  {
    policy: 'stack-preview-ttl',
    on: () => preview('20261201t120000z'),
    broken: {
      'no end': set(preview(undefined)),
      'an end that is none': set(preview('soon')),
      'an end after two months': set(preview('20270130t120000z')),
      'a month as a duration': set(preview('30d')),
      'no owner': set(preview('24h', '')),
      'a namespace without': edit(namespace, '', { 'metadata.labels': { app: 'x' } }),
    },
    fine: {
      'a duration': set(preview('24h')),
      'two weeks': set(preview('14d')),
      'a time as ISO 8601 has it': set(preview('2026-12-02T00:00:00Z')),
      'one that is over, which the sweep sees': set(preview('20261101t000000z')),
    },
    along: ['stack-required-labels'],
    unknown: edit(provider, '', { defaultLabels: notKnownYet }),
    absent: edit(provider, '', { defaultLabels: undefined }),
    absentIs: 'fires',
  },
  {
    policy: 'stack-preview-small',
    on: small,
    broken: {
      'a database of two zones': edit(sql, '', { 'settings.availabilityType': 'REGIONAL' }),
      'a large database': edit(sql, '', { 'settings.tier': 'db-custom-16-61440' }),
      'a database that refuses to go': edit(sql, '', { deletionProtection: undefined }),
      'a cache with a replica': edit('memorystore/instance', '', { replicaCount: 1 }),
      'a regional cluster with nodes': edit('container/cluster:', '', {
        enableAutopilot: false,
        location: 'europe-west1',
      }),
      'machines at full price': edit('container/nodePool', '', { 'nodeConfig.spot': false }),
      'many machines': edit('container/nodePool', '', { 'autoscaling.maxNodeCount': 10 }),
      'a CA for the year': edit('caPool', '', { tier: 'ENTERPRISE' }),
      protected: (resources) => resources.map((each) => ({ ...each, protect: true })),
    },
    fine: { 'a zonal cluster': edit('container/cluster:', '', { enableAutopilot: false, location: 'europe-west1-b' }) },
    unknown: edit(sql, '', { 'settings.availabilityType': notKnownYet }),
    absent: edit(sql, '', { 'settings.availabilityType': undefined }),
    absentIs: 'passes',
  },
]);

test('both are silent in tiers that are no preview', () => {
  for (const policy of previewPolicies) {
    expect(levelIn(policy, 'preview')).toBe('mandatory');
    expect(levelIn(policy, 'prod')).toBe('disabled');
  }
});

test('a small environment is small in the blueprint too, and each of its sizes matters', async () => {
  const found = (await blueprints()).find(({ tier, recording }) => tier === 'ephemeral' && recording.mode === 'up');
  if (found === undefined) throw new Error('no blueprint of tier ephemeral');
  const resources = resourcesOf(found.recording);
  const broken = (change: Change) =>
    judgeAll(previewPolicies, change(structuredClone(resources)), inProduction).get('stack-preview-small')?.violations
      .length ?? 0;
  expect(broken((same) => same)).toBe(0);
  const mutations: readonly Change[] = [
    edit('sql/databaseInstance', 'core', { 'settings.availabilityType': 'REGIONAL' }),
    edit('memorystore/instance', '', { replicaCount: 2 }),
    edit('container/cluster:', '', { enableAutopilot: undefined }),
    edit('caPool', 'root', { tier: 'ENTERPRISE' }),
    edit('authority:Authority', 'root', { deletionProtection: undefined }),
    edit('firestore/database:', '', { deleteProtectionState: 'DELETE_PROTECTION_ENABLED' }),
    both(
      (all) => all.map((each) => ({ ...each, protect: each.type.includes('compute/network:') })),
      (same) => same,
    ),
  ];
  for (const mutation of mutations) expect(broken(mutation)).toBeGreaterThan(0);
  expect(broken(unprotect('compute/network:'))).toBe(0);
});

test.each([
  ['db-custom-2-7680', 2],
  ['db-perf-optimized-N-16', 16],
  ['db-n1-standard-4', 4],
  ['db-f1-micro', 1],
  ['something', null],
])('processors of %s', (tier, processors) => {
  expect(processorsOf(tier)).toBe(processors);
});
