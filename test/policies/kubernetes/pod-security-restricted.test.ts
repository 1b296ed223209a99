import { podSecurityRestrictedPolicies } from '../../../policies/kubernetes/pod-security-restricted.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { prove } from '../support/prove.ts';

const on = { type: 'kubernetes:apps/v1:Deployment', name: 'gateway-pods' };
const pod = 'spec.template.spec';
const main = `${pod}.containers[0]`;
const first = `${pod}.initContainers[0]`;
const windows = { [`${pod}.os.name`]: 'windows' };

prove(podSecurityRestrictedPolicies, kubernetes.policies, [
  {
    policy: 'k8s-no-privilege-escalation',
    on,
    at: `${main}.securityContext.allowPrivilegeEscalation`,
    broken: [{ value: true }, { set: { [`${first}.securityContext.allowPrivilegeEscalation`]: undefined } }],
    fine: [{ set: { ...windows, [`${main}.securityContext.allowPrivilegeEscalation`]: undefined } }],
    absent: 'fires',
  },
  {
    policy: 'k8s-run-as-non-root',
    on,
    // The pod says it for all; then a container may say nothing, but not the contrary.
    given: { [`${main}.securityContext.runAsNonRoot`]: undefined },
    at: `${pod}.securityContext.runAsNonRoot`,
    broken: [{ value: false }, { set: { [`${first}.securityContext.runAsNonRoot`]: false } }],
    fine: [
      {
        set: {
          [`${pod}.securityContext.runAsNonRoot`]: undefined,
          [`${main}.securityContext.runAsNonRoot`]: true,
        },
      },
    ],
    absent: 'fires',
  },
  {
    policy: 'k8s-no-root-user',
    on,
    at: `${pod}.securityContext.runAsUser`,
    broken: [{ value: 0 }, { set: { [`${main}.securityContext.runAsUser`]: 0 } }],
    fine: [{ value: 1 }],
    absent: 'passes',
  },
  {
    policy: 'k8s-capabilities-drop-all',
    on,
    at: `${main}.securityContext.capabilities.drop`,
    broken: [
      { value: [] },
      { value: ['NET_RAW'] },
      { set: { [`${first}.securityContext.capabilities.add`]: ['NET_ADMIN'] } },
      { set: { ...windows, [`${main}.securityContext.capabilities.add`]: ['SYS_ADMIN'] } },
    ],
    fine: [
      { value: ['NET_RAW', 'ALL'] },
      { set: { [`${main}.securityContext.capabilities.add`]: ['NET_BIND_SERVICE'] } },
      { set: { ...windows, [`${main}.securityContext.capabilities.drop`]: undefined } },
    ],
    absent: 'fires',
  },
  {
    policy: 'k8s-seccomp-runtime-default',
    on,
    at: `${pod}.securityContext.seccompProfile.type`,
    broken: [
      { value: 'Unconfined' },
      { set: { [`${main}.securityContext.seccompProfile.type`]: 'Unconfined' } },
      {
        set: {
          [`${pod}.securityContext.seccompProfile`]: undefined,
          [`${main}.securityContext.seccompProfile.type`]: 'RuntimeDefault',
        },
      },
    ],
    fine: [
      { value: 'Localhost' },
      { set: { ...windows, [`${pod}.securityContext.seccompProfile`]: undefined } },
      {
        set: {
          [`${pod}.securityContext.seccompProfile`]: undefined,
          [`${main}.securityContext.seccompProfile.type`]: 'RuntimeDefault',
          [`${first}.securityContext.seccompProfile.type`]: 'Localhost',
        },
      },
    ],
    absent: 'fires',
  },
  {
    policy: 'k8s-volume-types',
    on,
    at: `${pod}.volumes[0].nfs`,
    broken: [
      { value: { server: '10.0.0.1', path: '/' } },
      { set: { [`${pod}.volumes[0]`]: { name: 'tls', gcePersistentDisk: { pdName: 'disk' } } } },
    ],
    fine: [
      { set: { [`${pod}.volumes[0]`]: { name: 'tls', csi: { driver: 'secrets-store.csi.k8s.io' } } } },
      // The API makes an emptyDir of it.
      { set: { [`${pod}.volumes[0]`]: { name: 'tls' } } },
    ],
    absent: 'passes',
  },
  {
    policy: 'k8s-read-only-root-filesystem',
    on,
    at: `${main}.securityContext.readOnlyRootFilesystem`,
    broken: [{ value: false }, { set: { [`${first}.securityContext.readOnlyRootFilesystem`]: undefined } }],
    absent: 'fires',
  },
]);
