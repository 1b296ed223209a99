import { beforeAll, describe, expect, test } from 'vitest';
import type { RawResource } from '../../../policies/framework/stack.ts';
import { said, withValue } from '../../../policies/framework/testing.ts';
import { podBearing } from '../../../policies/kubernetes/pods.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { blueprints } from '../support/blueprints.ts';
import { resourcesOf } from '../support/prove.ts';

/**
 * Each guarded property of each workload of each tier is flipped or removed in turn, in every container of every sort:
 * exactly the policy of that property fires, and no other of the pack.
 */
type Mutation = readonly [policy: string, path: string, value: unknown];

const ofPods: readonly Mutation[] = [
  ['k8s-no-host-namespaces', 'hostNetwork', true],
  ['k8s-no-host-namespaces', 'hostPID', true],
  ['k8s-no-host-namespaces', 'hostIPC', true],
  ['k8s-no-host-path', 'volumes[0]', { name: 'v', hostPath: { path: '/' } }],
  ['k8s-volume-types', 'volumes[0]', { name: 'v', nfs: { server: '10.0.0.1', path: '/' } }],
  ['k8s-no-host-process', 'securityContext.windowsOptions.hostProcess', true],
  ['k8s-sysctls-safe', 'securityContext.sysctls', [{ name: 'kernel.msgmax', value: '1' }]],
  ['k8s-selinux-options', 'securityContext.seLinuxOptions.type', 'spc_t'],
  ['k8s-apparmor-profile', 'securityContext.appArmorProfile.type', 'Unconfined'],
  ['k8s-run-as-non-root', 'securityContext.runAsNonRoot', false],
  ['k8s-no-root-user', 'securityContext.runAsUser', 0],
  ['k8s-seccomp-runtime-default', 'securityContext.seccompProfile', undefined],
  ['k8s-service-account-dedicated', 'serviceAccountName', undefined],
  ['k8s-no-token-automount', 'automountServiceAccountToken', undefined],
  ['k8s-no-host-aliases', 'hostAliases', [{ ip: '10.0.0.1', hostnames: ['database'] }]],
  ['k8s-high-uid', 'securityContext.runAsUser', 1_000],
  ['k8s-high-uid', 'securityContext.runAsGroup', undefined],
  ['k8s-high-uid', 'securityContext.fsGroup', 0],
  ['k8s-priority-class', 'priorityClassName', undefined],
  ['k8s-termination-budget', 'terminationGracePeriodSeconds', 0],
  ['k8s-termination-budget', 'terminationGracePeriodSeconds', 3_600],
];

const digest = `@sha256:${'0a'.repeat(32)}`;
const ofContainers: readonly Mutation[] = [
  ['k8s-no-privileged', 'securityContext.privileged', true],
  ['k8s-no-host-ports', 'ports[0].hostPort', 80],
  ['k8s-no-host-probes', 'lifecycle.postStart.httpGet.host', '10.0.0.1'],
  ['k8s-proc-mount-default', 'securityContext.procMount', 'Unmasked'],
  ['k8s-no-privilege-escalation', 'securityContext.allowPrivilegeEscalation', undefined],
  ['k8s-run-as-non-root', 'securityContext.runAsNonRoot', false],
  ['k8s-no-root-user', 'securityContext.runAsUser', 0],
  ['k8s-capabilities-drop-all', 'securityContext.capabilities', undefined],
  ['k8s-seccomp-runtime-default', 'securityContext.seccompProfile.type', 'Unconfined'],
  ['k8s-read-only-root-filesystem', 'securityContext.readOnlyRootFilesystem', undefined],
  ['k8s-image-digest', 'image', 'europe-west1-docker.pkg.dev/p/r/image:1'],
  ['k8s-image-registry', 'image', `quay.io/p/image${digest}`],
  ['k8s-requests-set', 'resources', { limits: { memory: '1Gi' } }],
  ['k8s-memory-limit', 'resources.limits.memory', undefined],
  ['k8s-no-literal-credentials', 'env[0].value', 'postgres://user:password@10.0.0.1/core'],
  ['k8s-high-uid', 'securityContext.runAsGroup', 1_000],
  ['k8s-resource-ceiling', 'resources.requests.cpu', '9'],
  ['k8s-resource-ceiling', 'resources.requests.ephemeral-storage', '11Gi'],
  ['k8s-no-secret-env', 'envFrom', [{ secretRef: { name: 's' } }]],
];

/** What the objects around the pods say, by the end of their type. */
const ofObjects: Readonly<Record<string, readonly Mutation[]>> = {
  Deployment: [
    ['k8s-rolling-update', 'spec.strategy.type', 'Recreate'],
    ['k8s-rolling-update', 'spec.strategy.rollingUpdate.maxUnavailable', '100%'],
    ['k8s-spread', 'spec.template.spec.topologySpreadConstraints', undefined],
    ['k8s-labels', 'spec.template.metadata.labels', undefined],
  ],
  Job: [
    ['k8s-job-limits', 'spec.activeDeadlineSeconds', undefined],
    ['k8s-job-limits', 'spec.backoffLimit', 100],
  ],
  CronJob: [
    ['k8s-job-limits', 'spec.jobTemplate.spec.activeDeadlineSeconds', undefined],
    ['k8s-cron-job-no-overlap', 'spec.concurrencyPolicy', undefined],
    ['k8s-cron-job-no-overlap', 'spec.failedJobsHistoryLimit', 100],
  ],
};

const specOf = (type: string): string =>
  type.endsWith(':CronJob') ? 'spec.jobTemplate.spec.template.spec' : 'spec.template.spec';

/** Every change of one workload, with the policy that it has to fire. */
function* mutants(workload: RawResource): Iterable<{ policy: string; path: string; mutant: RawResource }> {
  const spec = specOf(workload.type);
  const changed = ([policy, below, value]: Mutation, at: string) => {
    const path = at === '' ? below : `${at}.${below}`;
    return { policy, path, mutant: { ...workload, props: withValue(workload.props, path, value) } };
  };
  for (const mutation of ofObjects[workload.type.split(':').at(-1) ?? ''] ?? []) yield changed(mutation, '');
  for (const mutation of ofPods) yield changed(mutation, spec);
  let { props } = workload as { props: unknown };
  for (const step of spec.split('.')) props = (props as Record<string, unknown>)[step];
  for (const list of ['containers', 'initContainers']) {
    const { length = 0 } = ((props as Record<string, unknown>)[list] ?? []) as unknown[];
    for (let index = 0; index < length; index++)
      for (const mutation of ofContainers) yield changed(mutation, `${spec}.${list}[${index}]`);
  }
}

describe('mutations of the blueprint', () => {
  let all: Awaited<ReturnType<typeof blueprints>>;
  beforeAll(async () => {
    all = await blueprints();
  }, 240_000);

  test('each fires exactly the policy of its property, in every tier', () => {
    const wrong: string[] = [];
    let count = 0;
    for (const { tier, recording } of all)
      for (const workload of resourcesOf(recording).filter(({ type }) => podBearing.test(type))) {
        const before = said(kubernetes.policies, [workload]).fires;
        for (const { policy, path, mutant } of mutants(workload)) {
          count++;
          const fires = said(kubernetes.policies, [mutant]).fires.filter((id) => !before.includes(id));
          if (fires.join() !== policy)
            wrong.push(
              `${tier} (${recording.mode}) ${workload.name} ${path}: ${fires.join(', ') || 'nothing'}, not ${policy}`,
            );
        }
      }
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(2_000);
  }, 120_000);
});
