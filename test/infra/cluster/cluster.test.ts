import type * as pulumi from '@pulumi/pulumi';
import { describe, expect, test } from 'vitest';
import { securityGroupOf, subjectsOf } from '../../../infra/cluster/administrators.ts';
import { admitted } from '../../../infra/cluster/admission.ts';
import { Cluster, ignoredOfCluster } from '../../../infra/cluster/cluster.ts';
import { endpointOf } from '../../../infra/cluster/kubeconfig.ts';
import type { Environment } from '../../../infra/environment.ts';
import { repositoryPathOf } from '../../../infra/images/plan.ts';
import { Network } from '../../../infra/network/network.ts';
import { type Recording, unknownValue } from '../../../infra/recording/record.ts';
import { tierNames } from '../../../infra/tiers.ts';
import { type ComponentGiven, environmentFor, ofType, only, recordComponent } from '../support/component.ts';

const made = new Map<string, Promise<Recording>>();
/** A recording is only read, so that tests of one environment share it. */
function recorded(given: ComponentGiven): Promise<Recording> {
  const key = JSON.stringify(given);
  const found = made.get(key) ?? recordComponent(given, program);
  made.set(key, found);
  return found;
}
const program = (environment: Environment, options: pulumi.ComponentResourceOptions) => {
  const network = new Network('network', { environment }, options);
  const secretsKey = 'projects/p/locations/l/keyRings/r/cryptoKeys/secrets';
  const cluster = new Cluster('cluster', { environment, network, secretsKey }, options);
  return { name: cluster.name, nodeServiceAccount: cluster.nodeServiceAccount };
};
const clusterOf = (recording: Recording) => only(recording, 'gcp:container/cluster:Cluster');
const providerOf = (recording: Recording) => only(recording, 'pulumi:providers:kubernetes');
const standard = { clusterMode: 'standard' as const };

describe.each(['autopilot', 'standard'] as const)('a cluster, %s', (clusterMode) => {
  const given = { tier: 'prod' as const, settings: { clusterMode } };

  test('is reached by its name and by Google identities alone', async () => {
    expect(clusterOf(await recorded(given)).inputs).toMatchObject({
      location: 'europe-west1',
      controlPlaneEndpointsConfig: {
        dnsEndpointConfig: {
          allowExternalTraffic: true,
          enableK8sTokensViaDns: false,
          enableK8sCertsViaDns: false,
        },
        ipEndpointsConfig: { enabled: false },
      },
      privateClusterConfig: { enablePrivateNodes: true },
      anonymousAuthenticationConfig: { mode: 'LIMITED' },
      rbacBindingConfig: {
        enableInsecureBindingSystemAuthenticated: false,
        enableInsecureBindingSystemUnauthenticated: false,
      },
      masterAuth: { clientCertificateConfig: { issueClientCertificate: false } },
      enableLegacyAbac: false,
      serviceExternalIpsConfig: { enabled: false },
    });
  });

  test('runs a collector of traces where the setting asks for one', async () => {
    const scopeOf = async (traces: 'off' | 'managed') =>
      clusterOf(await recorded({ ...given, settings: { clusterMode, traces } })).inputs['managedOpentelemetryConfig'];
    expect(await scopeOf('off')).toBeUndefined();
    expect(await scopeOf('managed')).toEqual({ scope: 'COLLECTION_AND_INSTRUMENTATION_COMPONENTS' });
  });

  test('lies in the nodes subnet and takes the ranges by their names there', async () => {
    const recording = await recorded(given);
    const { secondaryIpRanges } = only(recording, 'gcp:compute/subnetwork:Subnetwork', 'network-nodes').inputs;
    const names = (secondaryIpRanges as { rangeName: string }[]).map(({ rangeName }) => rangeName);
    const { inputs } = clusterOf(recording);
    expect(inputs['subnetwork']).toMatch(/subnetworks\/prod-nodes$/);
    expect(inputs['ipAllocationPolicy']).toEqual({
      clusterSecondaryRangeName: names[0],
      servicesSecondaryRangeName: names[1],
    });
  });

  test('encrypts its secrets with our key, admits images by policy, and is watched', async () => {
    expect(clusterOf(await recorded(given)).inputs).toMatchObject({
      databaseEncryption: { state: 'ENCRYPTED', keyName: 'projects/p/locations/l/keyRings/r/cryptoKeys/secrets' },
      binaryAuthorization: { evaluationMode: 'PROJECT_SINGLETON_POLICY_ENFORCE' },
      securityPostureConfig: { mode: 'BASIC', vulnerabilityMode: 'VULNERABILITY_DISABLED' },
      monitoringConfig: { managedPrometheus: { enabled: true } },
      gatewayApiConfig: { channel: 'CHANNEL_STANDARD' },
      disableL4LbFirewallReconciliation: true,
      enableL4IlbSubsetting: true,
    });
  });

  test('runs its nodes as an account of their own, with one role, and with the firewall tag', async () => {
    const recording = await recorded(given);
    const { inputs } = clusterOf(recording);
    const email = 'prod-nodes@iot-prod-1.iam.gserviceaccount.com';
    expect(recording.outputs['nodeServiceAccount']).toBe(email);
    const grants = ofType(recording, 'gcp:projects/iAMMember:IAMMember').map((grant) => grant.inputs);
    expect(grants).toEqual([
      { project: 'iot-prod-1', role: 'roles/container.defaultNodeServiceAccount', member: `serviceAccount:${email}` },
    ]);
    const tags = { 'tagKeys/281475012216835': 'tagValues/281475012216836' };
    if (clusterMode === 'autopilot')
      expect(inputs).toMatchObject({
        enableAutopilot: true,
        clusterAutoscaling: { autoProvisioningDefaults: { serviceAccount: email } },
        nodePoolAutoConfig: {
          resourceManagerTags: tags,
          nodeKubeletConfig: { insecureKubeletReadonlyPortEnabled: 'FALSE' },
        },
      });
    else
      expect(only(recording, 'gcp:container/nodePool:NodePool').inputs).toMatchObject({
        nodeConfig: { serviceAccount: email, resourceManagerTags: tags },
      });
  });

  test('is not replaced for what changes by itself, and never pins a version', async () => {
    const { ignoreChanges, inputs } = clusterOf(await recorded(given));
    expect(ignoreChanges).toEqual(expect.arrayContaining(['dnsConfig', 'initialNodeCount', 'nodeConfig']));
    expect(ignoreChanges).toEqual(ignoredOfCluster);
    for (const key of ['minMasterVersion', 'nodeVersion']) expect(inputs).not.toHaveProperty(key);
  });

  test('starts when routes, names, rules and the role of its nodes are there', async () => {
    const recording = await recorded(given);
    const { dependencies } = clusterOf(recording);
    for (const type of [
      'gcp:compute/networkFirewallPolicyAssociation:NetworkFirewallPolicyAssociation',
      'gcp:compute/routerNat:RouterNat',
      'gcp:dns/recordSet:RecordSet',
      'gcp:projects/iAMMember:IAMMember',
    ])
      for (const { urn } of ofType(recording, type)) expect(dependencies).toContain(urn);
  });
});

/** Fields that the provider refuses beside `enableAutopilot`; its schema says `ConflictsWith`. */
const notWithAutopilot = [
  'binaryAuthorization.enabled',
  'defaultMaxPodsPerNode',
  'enableIntranodeVisibility',
  'enableShieldedNodes',
  'networkPolicy',
  'nodePools',
  'removeDefaultNodePool',
  'addonsConfig.networkPolicyConfig',
  'addonsConfig.dnsCacheConfig',
  'addonsConfig.gcePersistentDiskCsiDriverConfig',
  'clusterAutoscaling.enabled',
  'clusterAutoscaling.resourceLimits',
  // Not refused by the provider; Autopilot does not have it.
  'inTransitEncryptionConfig',
];
const has = (inputs: unknown, path: string): boolean =>
  path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], inputs) !==
  undefined;

test('Autopilot gets nothing that it refuses', async () => {
  const { inputs } = clusterOf(await recorded({ tier: 'prod' }));
  expect(notWithAutopilot.filter((path) => has(inputs, path))).toEqual([]);
});

describe('Standard', () => {
  test('does not name Autopilot: written as false it conflicts too', async () => {
    const { inputs } = clusterOf(await recorded({ tier: 'prod', settings: standard }));
    expect(inputs).not.toHaveProperty('enableAutopilot');
    expect(notWithAutopilot.filter((path) => has(inputs, path))).not.toEqual([]);
  });

  test('asks for what Autopilot has by itself', async () => {
    expect(clusterOf(await recorded({ tier: 'prod', settings: standard })).inputs).toMatchObject({
      removeDefaultNodePool: true,
      datapathProvider: 'ADVANCED_DATAPATH',
      workloadIdentityConfig: { workloadPool: 'iot-prod-1.svc.id.goog' },
      enableShieldedNodes: true,
      enableIntranodeVisibility: true,
      nodePoolDefaults: { nodeConfigDefaults: { insecureKubeletReadonlyPortEnabled: 'FALSE' } },
      inTransitEncryptionConfig: 'IN_TRANSIT_ENCRYPTION_INTER_NODE_TRANSPARENT',
    });
  });

  test('has nodes of the plan, shielded, upgraded one by one', async () => {
    const recording = await recorded({ tier: 'prod', settings: standard });
    const { cluster } = environmentFor({ tier: 'prod', settings: standard }).plan;
    const pool = only(recording, 'gcp:container/nodePool:NodePool');
    expect(pool.inputs).toMatchObject({
      location: 'europe-west1',
      autoscaling: { minNodeCount: cluster.minimumNodesPerZone, maxNodeCount: cluster.maximumNodesPerZone },
      management: { autoRepair: true, autoUpgrade: true },
      upgradeSettings: { maxSurge: 1, maxUnavailable: 0 },
      networkConfig: { enablePrivateNodes: true },
      nodeConfig: {
        machineType: cluster.machineType,
        diskSizeGb: cluster.nodeDisk,
        imageType: 'COS_CONTAINERD',
        shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
        workloadMetadataConfig: { mode: 'GKE_METADATA' },
        kubeletConfig: { insecureKubeletReadonlyPortEnabled: 'FALSE' },
      },
    });
    expect(pool.ignoreChanges).toContain('initialNodeCount');
    expect(providerOf(recording).dependencies).toContain(pool.urn);
  });
});

describe.each(tierNames)('tier %s', (tier) => {
  test('sets channel, protection in three layers, and backups', async () => {
    const recording = await recorded({ tier });
    const { lifecycle, cluster } = environmentFor({ tier }).tier;
    const registered = clusterOf(recording);
    expect(registered.protect).toBe(lifecycle.protect);
    expect(registered.inputs).toMatchObject({
      deletionProtection: lifecycle.apiProtection,
      deletionPolicy: lifecycle.deletionPolicy,
      releaseChannel: { channel: cluster.releaseChannel },
      addonsConfig: { gkeBackupAgentConfig: { enabled: cluster.backupDays !== null } },
    });
    const plans = ofType(recording, 'gcp:gkebackup/backupPlan:BackupPlan');
    expect(
      plans.map(({ inputs }) => (inputs['retentionPolicy'] as { backupRetainDays: number }).backupRetainDays),
    ).toEqual(cluster.backupDays === null ? [] : [cluster.backupDays]);
    for (const { inputs, protect } of plans) {
      expect(protect).toBe(lifecycle.protect);
      expect(inputs).toMatchObject({ retentionPolicy: { locked: false, backupDeleteLockDays: 0 } });
      expect(inputs['cluster']).toBe(`projects/iot-${tier}-1/locations/europe-west1/clusters/${tier}`);
    }
    expect(ofType(recording, 'gcp:gkebackup/restorePlan:RestorePlan')).toHaveLength(plans.length);
  });

  test('lets GKE upgrade long enough, and not in its freezes', async () => {
    const { maintenancePolicy } = clusterOf(await recorded({ tier })).inputs as {
      maintenancePolicy: {
        recurringWindow: { startTime: string; endTime: string; recurrence: string };
        maintenanceExclusions: { startTime: string; endTime: string; exclusionOptions: { scope: string } }[];
        disruptionBudget: Record<string, string>;
      };
    };
    const { startTime, endTime, recurrence } = maintenancePolicy.recurringWindow;
    const hours = (Date.parse(endTime) - Date.parse(startTime)) / 3_600_000;
    const days = /BYDAY=([A-Z,]+)$/.exec(recurrence)?.[1]?.split(',').length ?? 0;
    // 32 days hold at least four whole weeks.
    expect(hours).toBeGreaterThanOrEqual(4);
    expect(hours * days * 4).toBeGreaterThanOrEqual(48);
    expect(new Date(startTime).getUTCDay(), 'the first window begins on a day of the rule').toBe(2);
    for (const freeze of maintenancePolicy.maintenanceExclusions) {
      expect(freeze.exclusionOptions.scope).toBe('NO_MINOR_OR_NODE_UPGRADES');
      const length = (Date.parse(freeze.endTime) - Date.parse(freeze.startTime)) / 86_400_000;
      expect(length).toBeGreaterThan(0);
      expect(length).toBeLessThanOrEqual(30);
    }
    expect(maintenancePolicy.maintenanceExclusions.length).toBe(
      environmentFor({ tier }).tier.cluster.upgradeFreezes.length,
    );
    // One that ends after the support of the minor version is refused, and a minor version lives some 14 months.
    expect(maintenancePolicy.maintenanceExclusions.length).toBeLessThanOrEqual(1);
  });

  test('knows who its provider is at preview, though not where the control plane will be', async () => {
    const [up, preview] = [await recorded({ tier }), await recorded({ tier, mode: 'preview' })];
    expect(preview.registrations.map(({ urn }) => urn)).toEqual(up.registrations.map(({ urn }) => urn));
    expect(providerOf(preview).inputs['kubeconfig']).toBe(unknownValue);
    // The provider keeps itself, and with it all objects, while this literal stays: it must not wait for anything.
    const identifier = `iot-${tier}-1/europe-west1/${tier}`;
    expect(providerOf(preview).inputs['clusterIdentifier']).toBe(identifier);
    expect(providerOf(up).inputs['clusterIdentifier']).toBe(identifier);
    expect(providerOf(up).propertyDependencies).not.toHaveProperty('clusterIdentifier');
  });
});

describe('the provider of Kubernetes', () => {
  test('has the DNS endpoint, no token, no CA and no path of a machine', async () => {
    const { inputs } = providerOf(await recorded({ tier: 'prod' }));
    const text = inputs['kubeconfig'] as string;
    const config = JSON.parse(text);
    expect(config.clusters).toEqual([
      { name: 'prod', cluster: { server: 'https://gke-0123456789abcdef-123456789012.europe-west1.gke.goog' } },
    ]);
    expect(config.users[0].user.exec).toMatchObject({ command: 'node', interactiveMode: 'Never' });
    expect(Object.keys(config.users[0].user)).toEqual(['exec']);
    expect(text).not.toContain(process.cwd());
    expect(text).not.toMatch(/"\/|token"|certificate-authority/);
    expect(inputs).toMatchObject({ enableServerSideApply: 'true' });
    expect(inputs).not.toHaveProperty('deleteUnreachable');
  });

  test('writes objects into a folder where a setting says so', async () => {
    const rendering = await recorded({ tier: 'dev', settings: { renderKubernetesTo: 'out' } });
    expect(providerOf(rendering).inputs['renderYamlToDirectory']).toBe('out');
    expect(providerOf(await recorded({ tier: 'dev' })).inputs).not.toHaveProperty('renderYamlToDirectory');
  });
});

describe('the address of the control plane', () => {
  test('is that of its DNS endpoint', () => {
    expect(endpointOf({ dnsEndpointConfig: { endpoint: 'gke-1.europe-west1.gke.goog' } }, false)).toBe(
      'https://gke-1.europe-west1.gke.goog',
    );
  });
  test.each([undefined, {}, { dnsEndpointConfig: {} }, { dnsEndpointConfig: { endpoint: '' } }])(
    'that a cloud does not give is an error that names the way out: %j',
    (config) => {
      expect(() => endpointOf(config, false)).toThrow(/no DNS endpoint.*renderKubernetesTo/);
      // Nobody asks it when objects are written to files.
      expect(endpointOf(config, true)).toBe('https://control-plane.invalid');
    },
  );
});

describe('admission', () => {
  const digest = `@sha256:${'a'.repeat(64)}`;
  const images = { gateway: `ghcr.io/example/gateway${digest}`, api: `ghcr.io/example/api${digest}` };

  test('is denied to all but our registry, given images and those of Google', async () => {
    const recording = await recorded({ tier: 'dev', settings: { images } });
    const policy = only(recording, 'gcp:binaryauthorization/policy:Policy');
    expect(policy.inputs).toMatchObject({
      globalPolicyEvaluationMode: 'ENABLE',
      admissionWhitelistPatterns: [
        { namePattern: 'europe-west1-docker.pkg.dev/iot-dev-1/**' },
        { namePattern: 'ghcr.io/example/api@*' },
        { namePattern: 'ghcr.io/example/gateway@*' },
      ],
      clusterAdmissionRules: [
        {
          cluster: `europe-west1.${clusterOf(recording).inputs['name']}`,
          evaluationMode: 'ALWAYS_DENY',
          enforcementMode: 'ENFORCED_BLOCK_AND_AUDIT_LOG',
        },
      ],
    });
    expect(providerOf(recording).dependencies, 'in force before there is a pod').toContain(policy.urn);
  });

  test('covers the images that the platform builds', () => {
    const environment = environmentFor({ tier: 'prod' });
    const [pattern = ''] = admitted(environment);
    expect(`${repositoryPathOf(environment)}/gateway`.startsWith(pattern.slice(0, -2))).toBe(true);
  });

  test('is left to others where hardening is loosened', async () => {
    const settings = { hardening: { 'cluster.binaryAuthorization': false } };
    expect(ofType(await recorded({ tier: 'dev', settings }), 'gcp:binaryauthorization/policy:Policy')).toEqual([]);
  });
});

describe('hardening can be loosened', () => {
  test.each([
    ['cluster.binaryAuthorization', 'binaryAuthorization', { evaluationMode: 'DISABLED' }],
    ['cluster.secretsEncryption', 'databaseEncryption', { state: 'DECRYPTED' }],
    ['cluster.encryptNodeTraffic', 'inTransitEncryptionConfig', 'IN_TRANSIT_ENCRYPTION_DISABLED'],
  ])('%s', async (path, field, value) => {
    const recording = await recorded({ tier: 'dev', settings: { ...standard, hardening: { [path]: false } } });
    expect(clusterOf(recording).inputs[field]).toEqual(value);
  });

  test('cluster.dnsEndpointExternal', async () => {
    const settings = { hardening: { 'cluster.dnsEndpointExternal': false } };
    expect(clusterOf(await recorded({ tier: 'dev', settings })).inputs).toMatchObject({
      controlPlaneEndpointsConfig: { dnsEndpointConfig: { allowExternalTraffic: false } },
    });
  });
});

describe('administrators', () => {
  const administrators = ['user:ada@example.com', 'group:iot@example.com'];

  test('reach the control plane, read, and operate; no secret, no right and no shell', async () => {
    const recording = await recorded({ tier: 'dev', settings: { administrators } });
    const cluster = clusterOf(recording);
    const readers = ofType(recording, 'gcp:projects/iAMMember:IAMMember').filter(
      ({ inputs }) => inputs['role'] === 'roles/container.viewer',
    );
    expect(readers.map(({ inputs }) => inputs['member'])).toEqual(['group:iot@example.com', 'user:ada@example.com']);
    for (const { inputs } of readers) expect(inputs, 'never met by the DNS endpoint').not.toHaveProperty('condition');
    expect(cluster.inputs['authenticatorGroupsConfig']).toEqual({ securityGroup: 'gke-security-groups@example.com' });

    const role = only(recording, 'kubernetes:rbac.authorization.k8s.io/v1:ClusterRole');
    const rules = role.inputs['rules'] as { apiGroups: string[]; resources: string[]; verbs: string[] }[];
    const touched = rules.flatMap(({ resources }) => resources);
    for (const never of ['*', 'secrets', 'pods/exec', 'pods/attach', 'clusterroles', 'serviceaccounts/token'])
      expect(touched).not.toContain(never);
    for (const { verbs, apiGroups } of rules) expect([...verbs, ...apiGroups]).not.toContain('*');

    expect(role.deletedWith).toBe(cluster.urn);
    expect(role.provider).toContain(providerOf(recording).urn);
    // In the platform's namespace it is bound (workloads), and nowhere in the whole cluster.
    expect(ofType(recording, 'kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding')).toEqual([]);
  });

  test('that are none leave nothing', async () => {
    const recording = await recorded({ tier: 'dev' });
    expect(recording.registrations.filter(({ type }) => type.includes('rbac'))).toEqual([]);
    expect(clusterOf(recording).inputs).not.toHaveProperty('authenticatorGroupsConfig');
  });

  test('are subjects by their address', () => {
    expect(subjectsOf(['serviceAccount:ci@p.iam.gserviceaccount.com']).map(({ kind, name }) => [kind, name])).toEqual([
      ['User', 'ci@p.iam.gserviceaccount.com'],
    ]);
  });

  test('of groups in two domains are refused by name', () => {
    expect(securityGroupOf(['user:a@x.com'])).toBeNull();
    expect(() => securityGroupOf(['group:a@y.com', 'group:b@x.com'])).toThrow('groups of x.com and y.com');
  });
});
