import { expect, test } from 'vitest';
import { judgeAll, judgeResource } from '../../../policies/framework/judge.ts';
import type { ResourcePolicy } from '../../../policies/framework/policy.ts';
import { inProduction } from '../../../policies/framework/testing.ts';
import { gkeNodePolicies } from '../../../policies/google-cloud/gke-nodes.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { blueprint, fixture, prove } from '../support/prove.ts';

const standard = { clusterMode: 'standard' };
const pool = { type: 'gcp:container/nodePool:NodePool', settings: standard };
const autopilot = 'gcp:container/cluster:Cluster';
const cluster = { type: autopilot, settings: standard };

prove(gkeNodePolicies, googleCloud.policies, [
  {
    policy: 'gke-private-nodes',
    on: autopilot,
    at: 'privateClusterConfig.enablePrivateNodes',
    broken: [{ value: false }],
    absent: 'fires',
  },
  {
    policy: 'gke-metadata-server',
    on: pool,
    at: 'nodeConfig.workloadMetadataConfig.mode',
    broken: [{ value: 'GCE_METADATA' }, { set: { 'nodeConfig.workloadMetadataConfig': undefined } }],
    absent: 'fires',
  },
  {
    policy: 'gke-no-legacy-metadata',
    on: pool,
    at: 'nodeConfig.metadata.disable-legacy-endpoints',
    broken: [{ value: 'false' }],
    absent: 'passes',
  },
  {
    policy: 'gke-node-custom-service-account',
    along: ['gke-node-scopes-narrow'],
    on: pool,
    at: 'nodeConfig.serviceAccount',
    broken: [{ value: '123456789012-compute@developer.gserviceaccount.com' }, { value: 'default' }, { value: '' }],
    // Another resource's e-mail: it is one of the program's own accounts.
    unknown: 'passes',
    absent: 'fires',
  },
  {
    policy: 'gke-shielded-nodes',
    on: cluster,
    at: 'enableShieldedNodes',
    broken: [{ value: false }],
    absent: 'passes',
  },
  {
    policy: 'gke-node-secure-boot',
    on: pool,
    at: 'nodeConfig.shieldedInstanceConfig.enableSecureBoot',
    broken: [{ value: false }],
    absent: 'fires',
  },
  {
    policy: 'gke-node-integrity-monitoring',
    on: pool,
    at: 'nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring',
    broken: [{ value: false }],
    absent: 'passes',
  },
  {
    policy: 'gke-node-image',
    on: pool,
    at: 'nodeConfig.imageType',
    broken: [{ value: 'UBUNTU_CONTAINERD' }],
    absent: 'passes',
  },
  {
    policy: 'gke-node-repair-and-upgrade',
    on: pool,
    at: 'management.autoRepair',
    broken: [{ value: false }, { set: { 'management.autoUpgrade': false } }],
    absent: 'fires',
  },
  {
    policy: 'gke-kubelet-readonly-port-off',
    on: autopilot,
    at: 'nodePoolAutoConfig.nodeKubeletConfig.insecureKubeletReadonlyPortEnabled',
    broken: [{ value: 'TRUE' }],
    fine: [
      {
        set: {
          nodePoolAutoConfig: undefined,
          'nodePoolDefaults.nodeConfigDefaults.insecureKubeletReadonlyPortEnabled': 'FALSE',
        },
      },
    ],
    absent: 'fires',
  },
  {
    policy: 'gke-no-net-admin',
    on: autopilot,
    at: 'allowNetAdmin',
    broken: [{ value: true }, { set: { autopilotPrivilegedAdmissions: ['gke://*'] } }],
    fine: [{ set: { autopilotPrivilegedAdmissions: [] } }],
    absent: 'passes',
  },
]);

test('a Standard cluster of the blueprint breaks nothing mandatory either', async () => {
  const mandatory = googleCloud.policies.filter(({ level }) => level === 'mandatory');
  const broken = [...judgeAll(mandatory, await blueprint(standard), inProduction)].filter(
    ([, { violations }]) => violations.length > 0,
  );
  expect(broken).toEqual([]);
}, 60_000);

test.each([
  ['of a default pool', { nodeConfig: { serviceAccount: 'default' } }, 1],
  ['of a default pool that is removed', { nodeConfig: { serviceAccount: 'default' }, removeDefaultNodePool: true }, 0],
  [
    'of a pool inside of the cluster',
    { nodePools: [{ nodeConfig: { serviceAccount: '1-compute@developer.gserviceaccount.com' } }] },
    1,
  ],
  ['of Autopilot, which takes the default one unless told', { enableAutopilot: true }, 1],
  [
    'of Autopilot with its own',
    {
      enableAutopilot: true,
      clusterAutoscaling: { autoProvisioningDefaults: { serviceAccount: 'nodes@p.iam.gserviceaccount.com' } },
    },
    0,
  ],
])("nodes' account %s", (_of, props, violations) => {
  const rule = gkeNodePolicies.find(({ id }) => id === 'gke-node-custom-service-account') as ResourcePolicy;
  expect(judgeResource(rule, fixture(autopilot, props))?.violations).toHaveLength(violations);
});
