import type * as gcp from '@pulumi/gcp';
import type { Environment } from '../environment.ts';

/** Settings of the cluster that are plain values: the same in both modes, or differing by mode. Pure. */
type Args = gcp.container.ClusterArgs;

/** What both modes have. Each line says why; the CIS numbers are those of the GKE benchmark 1.6. */
export function sharedSettings(environment: Environment): Partial<Args> {
  const { hardening, tier } = environment;
  return {
    // The control plane has a name and no address: who reaches it is decided by IAM (`container.clusters.connect`), so that
    // there is neither bastion nor list of networks. CIS GKE 5.6.4.
    // https://cloud.google.com/kubernetes-engine/docs/concepts/network-isolation#dns-based-endpoint
    controlPlaneEndpointsConfig: {
      dnsEndpointConfig: {
        allowExternalTraffic: hardening['cluster.dnsEndpointExternal'],
        // Tokens of pods and client certificates stay inside; from outside only Google identities come in.
        enableK8sTokensViaDns: false,
        enableK8sCertsViaDns: false,
      },
      ipEndpointsConfig: { enabled: false },
    },
    // Nodes have no public address. CIS GKE 5.6.5.
    privateClusterConfig: { enablePrivateNodes: true },
    networkingMode: 'VPC_NATIVE',
    // Health endpoints alone answer to strangers. https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#restrict-anon-access
    anonymousAuthenticationConfig: { mode: 'LIMITED' },
    // Nobody can give rights to everybody who has a Google account, by mistake or on purpose. Same page.
    rbacBindingConfig: {
      enableInsecureBindingSystemAuthenticated: false,
      enableInsecureBindingSystemUnauthenticated: false,
    },
    // A client certificate cannot be taken back. CIS GKE 5.8.2.
    masterAuth: { clientCertificateConfig: { issueClientCertificate: false } },
    // Rights come from RBAC and IAM alone. CIS GKE 5.8.4.
    enableLegacyAbac: false,
    // A Service cannot claim foreign addresses and get their traffic (CVE-2020-8554).
    serviceExternalIpsConfig: { enabled: false },
    binaryAuthorization: {
      evaluationMode: hardening['cluster.binaryAuthorization'] ? 'PROJECT_SINGLETON_POLICY_ENFORCE' : 'DISABLED',
    },
    // Posture findings; its scanner of workload images is no longer supported, the registry scans them.
    // https://cloud.google.com/kubernetes-engine/docs/deprecations/posture-management-deprecation
    securityPostureConfig: { mode: 'BASIC', vulnerabilityMode: 'VULNERABILITY_DISABLED' },
    ...maintenance(tier.cluster.upgradeFreezes),
    releaseChannel: { channel: tier.cluster.releaseChannel },
    // In the order of the API's own list, which it answers with. CIS GKE 5.7.1: logs and metrics of the control plane too.
    loggingConfig: {
      enableComponents: ['SYSTEM_COMPONENTS', 'WORKLOADS', 'APISERVER', 'SCHEDULER', 'CONTROLLER_MANAGER'],
    },
    monitoringConfig: {
      enableComponents: [
        'SYSTEM_COMPONENTS',
        'APISERVER',
        'SCHEDULER',
        'CONTROLLER_MANAGER',
        'HPA',
        'POD',
        'DEPLOYMENT',
        'CADVISOR',
        'KUBELET',
      ],
      managedPrometheus: { enabled: true },
      advancedDatapathObservabilityConfig: { enableMetrics: true, enableRelay: false },
    },
    // A collector that Google runs, to Cloud Trace; a choice, because it was not generally available when this was written.
    // https://cloud.google.com/kubernetes-engine/docs/concepts/managed-otel-gke
    ...(environment.traces === 'managed'
      ? { managedOpentelemetryConfig: { scope: 'COLLECTION_AND_INSTRUMENTATION_COMPONENTS' } }
      : {}),
    gatewayApiConfig: { channel: 'CHANNEL_STANDARD' },
    costManagementConfig: { enabled: true },
    // Load balancers get the nodes that have a pod of theirs as backends, not every node.
    enableL4IlbSubsetting: true,
    // The firewall for devices is ours (network/firewall-rules.ts), and a destroyed cluster leaves no rule in the network.
    // https://cloud.google.com/kubernetes-engine/docs/how-to/user-managed-firewall-rules
    disableL4LbFirewallReconciliation: true,
    addonsConfig: {
      httpLoadBalancing: { disabled: false },
      horizontalPodAutoscaling: { disabled: false },
      // At creation, since turning it on later restarts the control plane.
      gkeBackupAgentConfig: { enabled: tier.cluster.backupDays !== null },
    },
  };
}

/** Autopilot: nodes, their shielding, Workload Identity and Dataplane V2 are Google's and cannot be turned off. */
export const autopilotSettings = (nodeAccount: string, nodeTags: Args['nodePoolAutoConfig']): Partial<Args> => ({
  enableAutopilot: true,
  // Not the default account of Compute Engine, which may edit the project. CIS GKE 5.2.1.
  clusterAutoscaling: { autoProvisioningDefaults: { serviceAccount: nodeAccount, oauthScopes: [cloudPlatform] } },
  nodePoolAutoConfig: nodeTags,
});

/**
 * Standard: what Autopilot has by itself has to be asked for. Its node pool is nodes.ts. Nothing says `enableAutopilot: false`:
 * the provider asks only whether it was written, and then refuses `enableShieldedNodes` and others beside it.
 * https://github.com/hashicorp/terraform-plugin-sdk/blob/main/helper/schema/schema.go (validateConflictingAttributes)
 */
export const standardSettings = (environment: Environment, nodeAccount: string): Partial<Args> => ({
  // The pool that a cluster is born with is thrown away at once; until then it is as tight as ours.
  removeDefaultNodePool: true,
  initialNodeCount: 1,
  nodeConfig: { serviceAccount: nodeAccount, oauthScopes: [cloudPlatform], shieldedInstanceConfig: shielded },
  // Dataplane V2 enforces network policies. CIS GKE 5.6.7.
  datapathProvider: 'ADVANCED_DATAPATH',
  // CIS GKE 5.2.2.
  workloadIdentityConfig: { workloadPool: `${environment.project}.svc.id.goog` },
  enableShieldedNodes: true,
  // Traffic inside a node passes the network too, where flow logs and the firewall see it. CIS GKE 5.6.1.
  enableIntranodeVisibility: true,
  // Port 10255 of the kubelet answers anybody without a token. CIS GKE 4.2.4.
  nodePoolDefaults: { nodeConfigDefaults: { insecureKubeletReadonlyPortEnabled: 'FALSE' } },
  // WireGuard between nodes. Autopilot has no such setting; there, Google's own encryption between machines has to do.
  // https://cloud.google.com/kubernetes-engine/docs/how-to/enable-inter-node-transparent-encryption
  inTransitEncryptionConfig: environment.hardening['cluster.encryptNodeTraffic']
    ? 'IN_TRANSIT_ENCRYPTION_INTER_NODE_TRANSPARENT'
    : 'IN_TRANSIT_ENCRYPTION_DISABLED',
});

/** Rights are limited by the account's roles; narrower scopes would only hide which. */
export const cloudPlatform = 'https://www.googleapis.com/auth/cloud-platform';

/** A changed boot chain does not start. CIS GKE 5.5.5 to 5.5.7. */
export const shielded = { enableSecureBoot: true, enableIntegrityMonitoring: true } as const;

/** Nights in the middle of the week, when somebody is there the next morning. GKE asks for 48 hours in any 32 days. */
function maintenance(freezes: Environment['tier']['cluster']['upgradeFreezes']): Partial<Args> {
  return {
    maintenancePolicy: {
      recurringWindow: {
        startTime: '2026-01-06T00:00:00Z',
        endTime: '2026-01-06T05:00:00Z',
        recurrence: 'FREQ=WEEKLY;BYDAY=TU,WE,TH',
      },
      // Between two upgrades of the same kind pods rest: a week for patches, a month for minor versions.
      disruptionBudget: { patchVersionDisruptionInterval: '604800s', minorVersionDisruptionInterval: '2592000s' },
      maintenanceExclusions: freezes.map(({ name, start, end }) => ({
        exclusionName: name,
        startTime: start,
        endTime: end,
        exclusionOptions: { scope: 'NO_MINOR_OR_NODE_UPGRADES' },
      })),
    },
  };
}
