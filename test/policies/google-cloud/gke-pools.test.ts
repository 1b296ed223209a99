import { expect, test } from 'vitest';
import { judgeAll, judgeResource } from '../../../policies/framework/judge.ts';
import type { ResourcePolicy } from '../../../policies/framework/policy.ts';
import { inProduction, notKnownYet } from '../../../policies/framework/testing.ts';
import { gkePoolPolicies } from '../../../policies/google-cloud/gke-pools.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { adding, both, edit, flow } from '../platform/changes.ts';
import { blueprint, fixture, prove } from '../support/prove.ts';

const pool = { type: 'gcp:container/nodePool:NodePool', settings: { clusterMode: 'standard' } };
const cluster = 'container/cluster:';
const firewall = 'gcp:compute/firewall:Firewall';
const open = (more: object) => ({
  network: 'prod',
  sourceRanges: ['0.0.0.0/0'],
  allows: [{ protocol: 'tcp', ports: ['31000'] }],
  logConfig: { metadata: 'INCLUDE_ALL_METADATA' },
  ...more,
});
const tagged = edit(cluster, '', { 'nodePoolAutoConfig.networkTags.tags': ['nodes', 'web'] });
const account = 'prod-nodes@iot-prod-1.iam.gserviceaccount.com';

prove(gkePoolPolicies, googleCloud.policies, [
  {
    policy: 'gke-node-scopes-narrow',
    on: pool,
    given: { 'nodeConfig.oauthScopes': ['https://www.googleapis.com/auth/cloud-platform'] },
    at: 'nodeConfig.serviceAccount',
    broken: [
      { value: 'default' },
      { set: { 'nodeConfig.serviceAccount': undefined, 'nodeConfig.oauthScopes': ['storage-ro', 'compute'] } },
      {
        set: {
          'nodeConfig.serviceAccount': undefined,
          'nodeConfig.oauthScopes': ['https://www.googleapis.com/auth/devstorage.read_write'],
        },
      },
    ],
    fine: [{ set: { 'nodeConfig.serviceAccount': undefined, 'nodeConfig.oauthScopes': ['logging-write'] } }],
    along: ['gke-node-custom-service-account'],
    // The e-mail of an account of the program.
    unknown: 'passes',
    absent: 'fires',
  },
  {
    policy: 'gke-no-unsafe-sysctls',
    on: pool,
    at: 'nodeConfig.kubeletConfig.allowedUnsafeSysctls',
    broken: [{ value: ['kernel.shm*'] }],
    fine: [{ value: [] }],
    absent: 'passes',
  },
  {
    policy: 'gke-node-pool-bounded',
    on: pool,
    at: 'autoscaling',
    broken: [
      { value: { maxNodeCount: 500 } },
      { value: { totalMaxNodeCount: 101 } },
      { value: {} },
      { set: { autoscaling: undefined, nodeCount: 101 } },
      { set: { autoscaling: undefined, initialNodeCount: 1_000 } },
    ],
    fine: [{ value: { maxNodeCount: 100 } }, { set: { autoscaling: undefined, nodeCount: 3 } }],
    absent: 'passes',
  },
  {
    policy: 'gke-surge-upgrade',
    on: pool,
    given: { 'upgradeSettings.strategy': 'SURGE', 'upgradeSettings.maxUnavailable': 0 },
    at: 'upgradeSettings.maxSurge',
    broken: [{ value: 0 }, { set: { 'upgradeSettings.maxUnavailable': 1 } }],
    fine: [{ set: { upgradeSettings: { strategy: 'BLUE_GREEN' } } }, { set: { upgradeSettings: undefined } }],
    absent: 'passes',
  },
  {
    policy: 'gke-node-no-external-tags',
    broken: {
      'a tag of the nodes': both(tagged, adding(firewall, open({ targetTags: ['web'] }))),
      'the account of the nodes': adding(firewall, open({ targetServiceAccounts: [account] })),
      'a secure tag that flows to both': edit('networkFirewallPolicyRule', 'network-firewall-mqtt', {
        'match.layer4Configs': [{ ipProtocol: 'tcp', ports: ['31000'] }],
        'match.srcIpRanges': ['0.0.0.0/1', '128.0.0.0/1'],
      }),
      'a tag of a pool': both(
        adding('gcp:container/nodePool:NodePool', { nodeConfig: { tags: ['web'] } }),
        adding(firewall, open({ targetTags: ['web'] })),
      ),
    },
    fine: {
      'a tag that no node has': both(tagged, adding(firewall, open({ targetTags: ['bastion'] }))),
      'a tag, by a port of load balancers': both(
        tagged,
        adding(firewall, open({ targetTags: ['web'], allows: [{ protocol: 'tcp', ports: ['8883'] }] })),
      ),
      'a tag, from within': both(tagged, adding(firewall, open({ targetTags: ['web'], sourceRanges: ['10.0.0.0/8'] }))),
    },
    along: [
      'fw-no-world-ingress',
      // A pool with nothing but tags breaks what is asked of its machines.
      ...['gke-metadata-server', 'gke-node-custom-service-account', 'gke-node-secure-boot', 'gke-node-disk-cmek'],
      ...['gke-node-repair-and-upgrade', 'gke-kubelet-readonly-port-off'],
    ],
    unknown: both(tagged, adding(firewall, open({ targetTags: notKnownYet }))),
    absent: edit(cluster, '', { nodePoolAutoConfig: undefined }),
    absentIs: 'passes',
  },
]);

test('a secure tag is the same by what flows, whatever its name', async () => {
  const mqtt = edit('networkFirewallPolicyRule', 'network-firewall-mqtt', {
    'match.layer4Configs': [{ ipProtocol: 'tcp', ports: ['31000'] }],
    targetSecureTags: [{ name: notKnownYet }],
  });
  const changed = both(mqtt, flow(cluster, '', 'nodePoolAutoConfig', 'tags/tagValue', ''));
  const verdict = judgeAll(gkePoolPolicies, changed(structuredClone(await blueprint())), inProduction).get(
    'gke-node-no-external-tags',
  );
  expect(verdict?.violations.length).toBe(1);
});

test('machine types of the setting are the only ones', () => {
  const bounded = gkePoolPolicies.find(({ id }) => id === 'gke-node-pool-bounded') as ResourcePolicy;
  const given = fixture(pool.type, { autoscaling: { maxNodeCount: 3 }, nodeConfig: { machineType: 'n4-standard-8' } });
  expect(judgeResource(bounded, given)?.violations).toEqual([]);
  expect(judgeResource(bounded, given, { machineTypes: ['e2-standard-4'] })?.violations).toHaveLength(1);
});
