import { gkeOperationsPolicies } from '../../../policies/google-cloud/gke-operations.ts';
import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { prove } from '../support/prove.ts';

const on = 'gcp:container/cluster:Cluster';
const standard = { type: on, settings: { clusterMode: 'standard' } };

prove(gkeOperationsPolicies, googleCloud.policies, [
  {
    policy: 'gke-monitoring-components',
    on,
    at: 'monitoringConfig.enableComponents',
    broken: [
      { value: ['POD'] },
      { value: [] },
      { set: { monitoringService: 'none' } },
      { set: { 'monitoringConfig.managedPrometheus.enabled': false } },
    ],
    fine: [{ set: { monitoringConfig: undefined } }],
    absent: 'passes',
  },
  {
    policy: 'gke-security-posture',
    on,
    at: 'securityPostureConfig.mode',
    broken: [{ value: 'DISABLED' }],
    fine: [{ value: 'ENTERPRISE' }],
    absent: 'passes',
  },
  {
    policy: 'gke-binary-authorization',
    on,
    at: 'binaryAuthorization.evaluationMode',
    broken: [{ value: 'DISABLED' }, { value: 'POLICY_BINDINGS' }],
    fine: [{ value: 'POLICY_BINDINGS_AND_PROJECT_SINGLETON_POLICY_ENFORCE' }],
    absent: 'fires',
  },
  {
    policy: 'gke-rbac-google-groups',
    on,
    given: { 'authenticatorGroupsConfig.securityGroup': 'gke-security-groups@example.com' },
    at: 'authenticatorGroupsConfig.securityGroup',
    broken: [{ value: 'everybody@example.com' }],
    absent: 'fires',
  },
  {
    policy: 'gke-maintenance-window',
    on,
    at: 'maintenancePolicy.recurringWindow',
    broken: [{ set: { maintenancePolicy: undefined } }, { value: undefined }],
    fine: [
      {
        set: {
          'maintenancePolicy.recurringWindow': undefined,
          'maintenancePolicy.dailyMaintenanceWindow': { startTime: '03:00' },
        },
      },
    ],
    absent: 'fires',
  },
  {
    policy: 'gke-intranode-visibility',
    on: standard,
    given: { enableIntranodeVisibility: true },
    at: 'enableIntranodeVisibility',
    broken: [{ value: false }],
    fine: [{ set: { enableAutopilot: true, enableIntranodeVisibility: undefined } }],
    absent: 'fires',
  },
  {
    policy: 'gke-default-pool-removed',
    on: standard,
    at: 'removeDefaultNodePool',
    broken: [{ value: false }, { set: { nodePools: [{ nodeConfig: safeMachines() }] } }],
    fine: [{ set: { enableAutopilot: true, removeDefaultNodePool: undefined } }, { set: { nodePools: [] } }],
    // Its machines are asked then.
    along: ['gke-metadata-server', 'gke-node-custom-service-account', 'gke-node-secure-boot', 'gke-node-disk-cmek'],
    absent: 'fires',
  },
]);

/** Machines that break no other rule. */
function safeMachines() {
  return {
    serviceAccount: 'nodes@p.iam.gserviceaccount.com',
    bootDiskKmsKey: 'projects/p/locations/l/keyRings/r/cryptoKeys/k',
    workloadMetadataConfig: { mode: 'GKE_METADATA' },
    shieldedInstanceConfig: { enableSecureBoot: true },
  };
}
