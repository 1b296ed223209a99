import type { RawResource } from '../../../policies/framework/stack.ts';
import { fixture } from '../../../policies/framework/testing.ts';

/** Of the blueprint of production one of each: by type, and part of the name where several differ. */
export const ofBlueprint: readonly { readonly type: string; readonly name?: string }[] = [
  { type: 'gcp:container/cluster:Cluster' },
  { type: 'gcp:sql/databaseInstance:DatabaseInstance', name: 'core' },
  { type: 'gcp:sql/user:User' },
  { type: 'gcp:compute/network:Network' },
  { type: 'gcp:compute/subnetwork:Subnetwork', name: 'nodes' },
  { type: 'gcp:compute/sSLPolicy:SSLPolicy' },
  { type: 'gcp:storage/bucket:Bucket' },
  { type: 'gcp:storage/bucketIAMMember:BucketIAMMember' },
  { type: 'gcp:kms/cryptoKey:CryptoKey' },
  { type: 'gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember' },
  { type: 'gcp:pubsub/topic:Topic' },
  { type: 'gcp:artifactregistry/repository:Repository' },
  { type: 'gcp:pubsub/topicIAMMember:TopicIAMMember' },
  { type: 'gcp:artifactregistry/repositoryIamMember:RepositoryIamMember' },
  { type: 'gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider' },
  { type: 'kubernetes:apps/v1:Deployment', name: 'gateway-pods' },
  { type: 'kubernetes:batch/v1:CronJob', name: 'retention' },
  { type: 'kubernetes:core/v1:Service' },
];

const account = 'serviceAccount:web@shop-1.iam.gserviceaccount.com';

/** Compliant resources of types that the blueprint has not. */
export const others: readonly RawResource[] = [
  fixture('gcp:container/cluster:Cluster', {
    name: 'standard',
    location: 'europe-west1',
    network: 'projects/shop-1/global/networks/shop',
    subnetwork: 'projects/shop-1/regions/europe-west1/subnetworks/nodes',
    networkingMode: 'VPC_NATIVE',
    ipAllocationPolicy: { clusterSecondaryRangeName: 'pods', servicesSecondaryRangeName: 'services' },
    datapathProvider: 'LEGACY_DATAPATH',
    networkPolicy: { enabled: true, provider: 'CALICO' },
    removeDefaultNodePool: true,
    initialNodeCount: 1,
    enableShieldedNodes: true,
    enableIntranodeVisibility: true,
    enableKubernetesAlpha: false,
    enableLegacyAbac: false,
    masterAuth: { clientCertificateConfig: { issueClientCertificate: false } },
    privateClusterConfig: { enablePrivateNodes: true, enablePrivateEndpoint: true },
    masterAuthorizedNetworksConfig: { cidrBlocks: [{ cidrBlock: '10.0.0.0/24', displayName: 'office' }] },
    workloadIdentityConfig: { workloadPool: 'shop-1.svc.id.goog' },
    releaseChannel: { channel: 'STABLE' },
    loggingConfig: { enableComponents: ['SYSTEM_COMPONENTS', 'WORKLOADS', 'APISERVER'] },
    monitoringConfig: { enableComponents: ['SYSTEM_COMPONENTS'], managedPrometheus: { enabled: true } },
    nodeConfig: {
      imageType: 'COS_CONTAINERD',
      serviceAccount: 'nodes@shop-1.iam.gserviceaccount.com',
      metadata: { 'disable-legacy-endpoints': 'true' },
      workloadMetadataConfig: { mode: 'GKE_METADATA' },
      shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
    },
  }),
  fixture('gcp:container/nodePool:NodePool', {
    cluster: 'standard',
    location: 'europe-west1',
    management: { autoRepair: true, autoUpgrade: true },
    nodeConfig: {
      imageType: 'COS_CONTAINERD',
      serviceAccount: 'nodes@shop-1.iam.gserviceaccount.com',
      metadata: { 'disable-legacy-endpoints': 'true' },
      workloadMetadataConfig: { mode: 'GKE_METADATA' },
      shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
      kubeletConfig: { insecureKubeletReadonlyPortEnabled: 'FALSE' },
    },
  }),
  fixture('gcp:compute/firewall:Firewall', {
    name: 'web',
    network: 'projects/shop-1/global/networks/shop',
    direction: 'INGRESS',
    sourceRanges: ['10.0.0.0/8'],
    targetTags: ['web'],
    allows: [{ protocol: 'tcp', ports: ['8443'] }],
    logConfig: { metadata: 'INCLUDE_ALL_METADATA' },
  }),
  fixture('gcp:dns/managedZone:ManagedZone', {
    name: 'shop',
    dnsName: 'shop.example.com.',
    visibility: 'public',
    dnssecConfig: {
      state: 'on',
      defaultKeySpecs: [{ algorithm: 'rsasha256', keyType: 'zoneSigning', keyLength: 2048 }],
    },
  }),
  fixture('gcp:redis/instance:Instance', {
    memorySizeGb: 1,
    tier: 'STANDARD_HA',
    authEnabled: true,
    transitEncryptionMode: 'SERVER_AUTHENTICATION',
    connectMode: 'PRIVATE_SERVICE_ACCESS',
    authorizedNetwork: 'projects/shop-1/global/networks/shop',
  }),
  fixture('gcp:organizations/project:Project', { name: 'shop', projectId: 'shop-1', autoCreateNetwork: false }),
  ...['projects', 'folder', 'organizations'].flatMap((level) =>
    (['IAMMember', 'IAMBinding'] as const).map((kind) =>
      fixture(`gcp:${level}/i${kind.slice(1)}:${kind}`, {
        ...{ projects: { project: 'shop-1' }, folder: { folder: '1' }, organizations: { orgId: '1' } }[level],
        role: 'roles/logging.logWriter',
        ...(kind === 'IAMMember' ? { member: account } : { members: [account] }),
      }),
    ),
  ),
  fixture('gcp:storage/bucketIAMBinding:BucketIAMBinding', {
    bucket: 'shop',
    role: 'roles/storage.objectViewer',
    members: [account],
  }),
  fixture('gcp:pubsub/topicIAMBinding:TopicIAMBinding', {
    topic: 'shop',
    role: 'roles/pubsub.publisher',
    members: [account],
  }),
  fixture('gcp:kms/keyRingIAMMember:KeyRingIAMMember', {
    keyRingId: 'k',
    role: 'roles/cloudkms.viewer',
    member: account,
  }),
  fixture('gcp:bigquery/iamMember:IamMember', { tableId: 't', role: 'roles/bigquery.dataViewer', member: account }),
  fixture('kubernetes:rbac.authorization.k8s.io/v1:ClusterRole', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'reader' },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }],
  }),
  fixture('kubernetes:rbac.authorization.k8s.io/v1:Role', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'reader', namespace: 'shop' },
    rules: [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list'] }],
  }),
  fixture('kubernetes:core/v1:ServiceAccount', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'web', namespace: 'shop' },
    automountServiceAccountToken: false,
  }),
  fixture('kubernetes:rbac.authorization.k8s.io/v1:RoleBinding', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'reader', namespace: 'shop' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'web', namespace: 'shop' }],
  }),
];
