import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture, said } from '../../../policies/framework/testing.ts';
import { podSecurityBaselinePolicies } from '../../../policies/kubernetes/pod-security-baseline.ts';
import { podSecurityRestrictedPolicies } from '../../../policies/kubernetes/pod-security-restricted.ts';
import { type ApiServer, assets, startApiServer } from '../../infra/kube/apiserver.ts';

/**
 * The same pods, judged by our rows of the Pod Security Standards and by the admission of a real API server, control by
 * control. The version is the one whose text the rows follow.
 */
const version = 'v1.34';
const bin = assets();
if (bin === null)
  console.warn('skipped: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver (setup-envtest makes one)');

const standards = [...podSecurityBaselinePolicies, ...podSecurityRestrictedPolicies].filter(
  ({ references }) => references.pss !== undefined,
);

/** How the server names what it forbids, and the policies that say the same. */
const controls: Readonly<Record<string, readonly string[]>> = {
  'privileged (': ['k8s-no-privileged'],
  'host namespaces': ['k8s-no-host-namespaces'],
  'restricted volume types': ['k8s-no-host-path', 'k8s-volume-types'],
  'hostPort (': ['k8s-no-host-ports'],
  'probe or lifecycle host': ['k8s-no-host-probes'],
  'hostProcess (': ['k8s-no-host-process'],
  'procMount (': ['k8s-proc-mount-default'],
  'forbidden sysctls': ['k8s-sysctls-safe'],
  'seLinuxOptions (': ['k8s-selinux-options'],
  'forbidden AppArmor profile': ['k8s-apparmor-profile'],
  'allowPrivilegeEscalation != false': ['k8s-no-privilege-escalation'],
  'runAsNonRoot != true': ['k8s-run-as-non-root'],
  'runAsUser=0': ['k8s-no-root-user'],
  'unrestricted capabilities': ['k8s-capabilities-drop-all'],
  'seccompProfile (': ['k8s-seccomp-runtime-default'],
};

/** Mostly the first, so that many pods break one control alone. */
const rarely = (usual: unknown, ...others: readonly unknown[]) =>
  fc.oneof({ weight: 14, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const nothing = undefined;
const profile = ['RuntimeDefault', 'Unconfined'].map((type) => ({ type }));
const seLinux = [{ type: 'container_t' }, { type: 'spc_t' }, { user: 'system_u' }, { role: 'r' }, { level: 's0' }];

const container = fc.record({
  image: fc.constant('example.com/image:1'),
  ports: rarely(nothing, [{ containerPort: 80 }], [{ containerPort: 80, hostPort: 80 }]),
  livenessProbe: rarely(
    nothing,
    { httpGet: { port: 80 } },
    { httpGet: { port: 80, host: '10.0.0.1' } },
    { tcpSocket: { port: 80, host: 'localhost' } },
  ),
  lifecycle: rarely(
    nothing,
    { preStop: { httpGet: { port: 80, host: '10.0.0.1' } } },
    { preStop: { sleep: { seconds: 1 } } },
  ),
  securityContext: fc.record({
    privileged: rarely(nothing, false, true),
    allowPrivilegeEscalation: rarely(false, nothing, true),
    capabilities: rarely(
      { drop: ['ALL'] },
      nothing,
      { drop: ['NET_RAW'] },
      { drop: ['NET_RAW', 'ALL'], add: ['NET_BIND_SERVICE'] },
      { drop: ['ALL'], add: ['CHOWN'] },
    ),
    runAsNonRoot: rarely(nothing, true, false),
    runAsUser: rarely(nothing, 1000, 0),
    procMount: rarely(nothing, 'Default', 'Unmasked'),
    seccompProfile: rarely(nothing, ...profile),
    seLinuxOptions: rarely(nothing, ...seLinux),
    appArmorProfile: rarely(nothing, ...profile),
  }),
});

const pod = fc.record({
  containers: fc.array(container, { minLength: 1, maxLength: 2 }),
  initContainers: fc.array(container, { maxLength: 1 }),
  hostPID: rarely(nothing, false, true),
  hostIPC: rarely(nothing, true),
  hostUsers: rarely(nothing, false),
  securityContext: fc.record({
    runAsNonRoot: rarely(true, nothing, false),
    runAsUser: rarely(nothing, 1000, 0),
    seccompProfile: rarely(profile[0], nothing, profile[1], { type: 'Localhost', localhostProfile: 'p.json' }),
    seLinuxOptions: rarely(nothing, ...seLinux),
    appArmorProfile: rarely(nothing, ...profile),
    windowsOptions: rarely(nothing, { hostProcess: false }),
    sysctls: rarely(
      nothing,
      [{ name: 'net.ipv4.tcp_keepalive_time', value: '60' }],
      [{ name: 'kernel.msgmax', value: '65536' }],
    ),
  }),
  volumes: fc.array(
    rarely(
      { emptyDir: {} },
      {},
      { configMap: { name: 'c' } },
      { csi: { driver: 'secrets-store.csi.k8s.io' } },
      { hostPath: { path: '/' } },
      { nfs: { server: '10.0.0.1', path: '/' } },
      { image: { reference: 'example.com/image:1' } },
    ),
    { maxLength: 2 },
  ),
});

/** Pods that the generator hardly meets: the server asks several things of them at once. */
const extremes = [
  {
    hostNetwork: true,
    containers: [{ image: 'example.com/image:1' }],
    securityContext: { windowsOptions: { hostProcess: true } },
    os: { name: 'windows' },
  },
  { os: { name: 'windows' }, containers: [{ image: 'example.com/image:1' }], securityContext: { runAsNonRoot: true } },
  { containers: [{ image: 'example.com/image:1', securityContext: { privileged: true } }] },
  { hostNetwork: true, containers: [{ image: 'example.com/image:1' }] },
  {
    hostUsers: false,
    containers: [{ image: 'example.com/image:1', securityContext: { procMount: 'Unmasked' } }],
  },
];

describe.skipIf(bin === null)('Pod Security Standards', () => {
  let server: ApiServer;
  const seen = { allowed: 0, invalid: 0, forbidden: new Set<string>() };
  beforeAll(async () => {
    // Else every privileged pod is no pod at all, and admission is never asked.
    server = await startApiServer(bin as string, ['--allow-privileged']);
    const labels = {
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/enforce-version': version,
    };
    const { status, body } = await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'judged', labels } });
    if (status !== 201) throw new Error(`namespace: ${JSON.stringify(body['message'])}`);
  }, 120_000);
  afterAll(() => server?.stop());

  /** Both verdicts by control, or nothing where the server takes the object for none at all. */
  async function judged(spec: Record<string, unknown>): Promise<void> {
    const named = (list: unknown, prefix: string) =>
      ((list ?? []) as object[]).map((each, index) => ({ name: `${prefix}${index}`, ...each }));
    const whole = {
      metadata: { name: 'pod' },
      spec: {
        ...spec,
        containers: named(spec['containers'], 'main'),
        initContainers: named(spec['initContainers'], 'first'),
        volumes: named(spec['volumes'], 'volume'),
      },
    };
    // As JSON: what is undefined is absent.
    const object = JSON.parse(JSON.stringify(whole)) as Record<string, unknown>;
    const { status, body } = await server.call('POST', '/api/v1/namespaces/judged/pods?dryRun=All', object);
    const message = String(body['message'] ?? '');
    if (status === 422) {
      seen.invalid++;
      return;
    }
    const refused = status === 403 && message.includes('violates PodSecurity');
    if (status !== 201 && !refused) throw new Error(`${status}: ${message}`);
    if (!refused) seen.allowed++;
    const { fires } = said(standards, [fixture('kubernetes:core/v1:Pod', object)]);
    const theirs = Object.keys(controls).filter((control) => message.includes(control));
    const ours = Object.keys(controls).filter((control) => controls[control]?.some((id) => fires.includes(id)));
    for (const control of theirs) seen.forbidden.add(control);
    expect(ours, message).toEqual(theirs);
    expect(refused, message).toBe(fires.length > 0);
  }

  test('each policy is held against a control of the server', () => {
    expect(Object.values(controls).flat().sort()).toEqual(standards.map(({ id }) => id).sort());
  });

  test('generated pods, and the server meets every control', async () => {
    for (const spec of extremes) await judged(spec);
    await fc.assert(fc.asyncProperty(pod, judged), { numRuns: 600, seed: 20260101 });
    expect([...seen.forbidden].sort()).toEqual(Object.keys(controls).sort());
    expect(seen.allowed).toBeGreaterThan(50);
    expect(seen.invalid).toBeLessThan(300);
    console.info(`Pod Security: ${seen.allowed} generated pods allowed, ${seen.invalid} invalid`);
  }, 240_000);
});
