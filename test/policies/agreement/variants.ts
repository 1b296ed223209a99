import type { RawResource } from '../../../policies/framework/stack.ts';
import { withValue } from '../../../policies/framework/testing.ts';

/** A resource with one thing changed; `change` is empty for the resource as it is. */
export type Variant = { readonly change: string; readonly resource: RawResource };

/** Other values of a property, by the name of its last step: what people write by mistake, and what is right as well. */
const replacements: Readonly<Record<string, readonly unknown[]>> = {
  // Google Cloud
  member: [
    'allUsers',
    'allAuthenticatedUsers',
    'serviceAccount:1-compute@developer.gserviceaccount.com',
    'group:a@b.cd',
  ],
  members: [['allUsers'], ['serviceAccount:shop-1@appspot.gserviceaccount.com'], ['group:a@b.cd']],
  role: [
    'roles/owner',
    'roles/editor',
    'roles/viewer',
    'roles/compute.admin',
    'roles/compute.securityAdmin',
    'roles/iam.serviceAccountUser',
    'roles/iam.serviceAccountTokenCreator',
    'roles/iam.workloadIdentityUser',
  ],
  sslMode: ['ALLOW_UNENCRYPTED_AND_ENCRYPTED', 'ENCRYPTED_ONLY'],
  databaseVersion: ['POSTGRES_16'],
  minTlsVersion: ['TLS_1_0'],
  profile: ['COMPATIBLE', 'MODERN'],
  state: ['off'],
  algorithm: ['rsasha1'],
  imageType: ['UBUNTU_CONTAINERD', 'cos_containerd'],
  channel: ['UNSPECIFIED', 'RAPID'],
  rotationPeriod: ['31536000s', '7776000s'],
  publicAccessPrevention: ['inherited'],
  transitEncryptionMode: ['DISABLED'],
  datapathProvider: ['ADVANCED_DATAPATH'],
  workloadMetadataConfig: [{ mode: 'GCE_METADATA' }],
  cidrBlock: ['0.0.0.0/0'],
  attributeCondition: ['true', "assertion.repository_owner == 'acme'"],
  insecureKubeletReadonlyPortEnabled: ['TRUE'],
  type: ['BUILT_IN'],
  // Kubernetes
  image: ['nginx', 'nginx:latest', 'europe-west1-docker.pkg.dev/p/r/image:1'],
  namespace: ['default', 'kube-system'],
  serviceAccountName: ['default'],
  runAsUser: [0, 1_000, 10_000],
  drop: [['NET_RAW'], ['all']],
  verbs: [['*'], ['bind'], ['impersonate'], ['create'], ['escalate'], ['list']],
  resources: [['*'], ['secrets'], ['pods/exec'], ['nodes/proxy'], ['serviceaccounts/token'], ['rolebindings']],
  apiGroups: [['*']],
};

/** What is added to a type, by path. */
const additions: readonly (readonly [type: RegExp, path: string, values: readonly unknown[]])[] = [
  [
    /sql\/databaseInstance:/,
    'settings.ipConfiguration.authorizedNetworks',
    [[{ name: 'all', value: '0.0.0.0/0' }], [{ name: 'office', value: '203.0.113.7/32' }]],
  ],
  ...['off', 'verbose', 'none', 'mod', '5', 'debug5', 'fatal', '0'].map(
    (value) => [/sql\/databaseInstance:/, 'settings.databaseFlags[*].value', [value]] as const,
  ),
  [
    /container\/cluster:/,
    'masterAuthorizedNetworksConfig',
    [{ cidrBlocks: [] }, { gcpPublicCidrsAccessEnabled: true }],
  ],
  [/container\/cluster:/, 'enableKubernetesAlpha', [true]],
  ...['log_parser_stats', 'log_planner_stats', 'log_executor_stats', 'log_statement_stats'].map(
    (name) => [/sql\/databaseInstance:/, 'settings.databaseFlags[0]', [{ name, value: 'on' }]] as const,
  ),
  [/container\/cluster:/, 'monitoringService', ['none']],
  [/container\/cluster:/, 'loggingService', ['none']],
  [/container\/cluster:/, 'loggingConfig.enableComponents', [['SYSTEM_COMPONENTS']]],
  [/compute\/subnetwork:/, 'ipv6AccessType', ['EXTERNAL']],
  [
    /compute\/subnetwork:/,
    '',
    [undefined, 'ENABLE_OUTBOUND_VM_ACCESS_TO_GOOGLE'].flatMap((privateIpv6GoogleAccess) =>
      ['INTERNAL', 'EXTERNAL'].map((ipv6AccessType) => ({
        stackType: 'IPV4_IPV6',
        ipv6AccessType,
        privateIpv6GoogleAccess,
      })),
    ),
  ],
  [/storage\/bucket:/, 'logging', [{ logBucket: 'logs' }, { logBucket: 'iot-prod-1-prod-telemetry' }]],
  [/compute\/subnetwork:/, 'purpose', ['REGIONAL_MANAGED_PROXY', 'PRIVATE_SERVICE_CONNECT']],
  ...[['22'], ['20-25'], ['3389'], ['80'], ['20'], ['21'], ['3306'], ['0-65535'], ['443'], ['1-1024']].flatMap(
    (ports) =>
      ['0.0.0.0/0', '::/0', '10.0.0.0/8'].map(
        (range) =>
          [
            /compute\/firewall:/,
            '',
            [{ sourceRanges: [range], targetTags: ['web'], allows: [{ protocol: 'tcp', ports }] }],
          ] as const,
      ),
  ),
  [
    /compute\/firewall:/,
    '',
    [
      { sourceRanges: ['0.0.0.0/0'], allows: [{ protocol: 'all' }] },
      { sourceRanges: ['0.0.0.0/0'], allows: [{ protocol: 'tcp' }] },
      { sourceRanges: ['0.0.0.0/0'], denies: [{ protocol: 'all' }] },
      { sourceRanges: ['0.0.0.0/1', '128.0.0.0/1'], allows: [{ protocol: 'tcp', ports: ['22'] }] },
      { direction: 'EGRESS', destinationRanges: ['0.0.0.0/0'], allows: [{ protocol: 'all' }] },
    ],
  ],
  [
    /:ClusterRole$/,
    'rules',
    [
      ['validatingwebhookconfigurations', 'admissionregistration.k8s.io', ['create']],
      ['certificatesigningrequests/approval', 'certificates.k8s.io', ['update']],
      ['clusterroles', 'rbac.authorization.k8s.io', ['bind']],
      ['roles', 'rbac.authorization.k8s.io', ['escalate']],
      ['*', '*', ['*']],
    ].map(([resource, group, verbs]) => [{ apiGroups: [group], resources: [resource], verbs }]),
  ],
  [/:(Cluster)?RoleBinding$/, 'subjects[0].name', ['default', 'system:anonymous']],
  [
    /:ServiceAccount$/,
    '',
    [true, false].map((automountServiceAccountToken) => ({
      metadata: { name: 'default', namespace: 'shop' },
      automountServiceAccountToken,
    })),
  ],
  ...['hostPID', 'hostIPC', 'hostNetwork'].map(
    (each) => [/^kubernetes:.*:Deployment$/, `$pod.${each}`, [true]] as const,
  ),
  [/:Deployment$/, '$pod.volumes', [[{ name: 'v', hostPath: { path: '/' } }], []]],
  [/:Deployment$/, '$pod.containers[0].securityContext.privileged', [true]],
  [
    /:Deployment$/,
    '$pod.containers[0].securityContext.capabilities.add',
    [['SYS_ADMIN'], ['NET_BIND_SERVICE'], ['NET_RAW']],
  ],
  [/:Deployment$/, '$pod.containers[0].securityContext.seccompProfile', [{ type: 'Unconfined' }]],
  [/:Deployment$/, '$pod.containers[0].securityContext.runAsUser', [0, 1_000]],
  [/:Deployment$/, '$pod.containers[0].ports[0].hostPort', [8883]],
  [/:Deployment$/, '$pod.containers[0].envFrom', [[{ secretRef: { name: 's' } }], [{ configMapRef: { name: 's' } }]]],
  [
    /:Deployment$/,
    '$pod.containers[0].env',
    [[{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }], [{ name: 'MODE', value: 'fast' }]],
  ],
];

/** The resource, then with each of its properties removed, each flag turned, and what the tables above say. */
export function* variantsOf(resource: RawResource): Iterable<Variant> {
  yield { change: '', resource };
  const changed = (path: string, value: unknown): Variant => ({
    change: `${path === '' ? '' : `${path} is `}${JSON.stringify(value)}`,
    resource: {
      ...resource,
      props: path === '' ? { ...resource.props, ...(value as object) } : withValue(resource.props, path, value),
    },
  });
  for (const [path, value] of placesOf(resource.props)) {
    if (!required.test(path) && !indifferent.test(path)) yield without(resource, path);
    if (typeof value === 'boolean') yield changed(path, !value);
    for (const other of replacements[path.split('.').at(-1) ?? ''] ?? [])
      if (Array.isArray(other) === Array.isArray(value)) yield changed(path, other);
  }
  const pod = resource.type.endsWith(':CronJob') ? 'spec.jobTemplate.spec.template.spec' : 'spec.template.spec';
  for (const [type, place, values] of additions) {
    if (!type.test(resource.type)) continue;
    const path = place.replace('$pod', pod);
    const paths = path.includes('[*]')
      ? placesOf(resource.props)
          .map(([each]) => each)
          .filter((each) => each.replace(/\[\d+\]/g, '[*]') === path)
      : [path];
    for (const each of paths) for (const value of values) yield changed(each, value);
  }
}

/** No check and no policy that cites one reads these. */
const indifferent =
  /(Threshold|Seconds|volumeMounts.*|ports\[\d+\]\..*|addonsConfig.*|maintenance.*|insightsConfig.*|finalBackup.*|lifecycleRules.*|topologySpread.*|strategy.*|terminationMessagePolicy|imagePullPolicy|costManagementConfig.*|monitoringConfig\..*|HistoryLimit|matchLabels.*|pscConfigs.*)$/;

/** Without these the API takes the object for none, and a scanner may fall over it. */
const required =
  /(^|\.)(apiVersion|kind|name|role|jobTemplate|template|spec|containers|containers\[0\]|rules|rules\[0\]|roleRef|subjects\[0\])$/;

/** A property that is gone; of a list, the element. */
function without(resource: RawResource, path: string): Variant {
  const [, list, index] = /^(.*)\[(\d+)\]$/.exec(path) ?? [];
  if (list === undefined)
    return { change: `no ${path}`, resource: { ...resource, props: withValue(resource.props, path, undefined) } };
  const elements = placesOf(resource.props).find(([each]) => each === list)?.[1] as unknown[];
  const rest = elements.filter((_, each) => each !== Number(index));
  return { change: `no ${path}`, resource: { ...resource, props: withValue(resource.props, list, rest) } };
}

/** Every property, objects and lists included, by path. Labels and environment variables are one place each. */
function placesOf(value: unknown, at = ''): [string, unknown][] {
  const own: [string, unknown][] = at === '' ? [] : [[at, value]];
  if (typeof value !== 'object' || value === null || /(labels|annotations|env|metadata|matchLabels)$/i.test(at)) {
    // `metadata` of an object of Kubernetes has its namespace.
    const namespace = at === 'metadata' ? (value as Record<string, unknown>)['namespace'] : undefined;
    return namespace === undefined ? own : [['metadata.namespace', namespace]];
  }
  const below = Array.isArray(value)
    ? value.map((each, index) => [`${at}[${index}]`, each] as const)
    : Object.entries(value).map(([key, each]) => [at === '' ? key : `${at}.${key}`, each] as const);
  return [...own, ...below.flatMap(([path, each]) => placesOf(each, path))];
}
