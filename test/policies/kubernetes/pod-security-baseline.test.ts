import { podSecurityBaselinePolicies } from '../../../policies/kubernetes/pod-security-baseline.ts';
import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { prove } from '../support/prove.ts';

/** The broker's pods: a main container, a sidecar among those that start, three volumes. */
const on = { type: 'kubernetes:apps/v1:Deployment', name: 'gateway-pods' };
const pod = 'spec.template.spec';
const main = `${pod}.containers[0]`;
const first = `${pod}.initContainers[0]`;
const annotation = 'container.apparmor.security.beta.kubernetes.io/gateway';

prove(podSecurityBaselinePolicies, kubernetes.policies, [
  {
    policy: 'k8s-no-privileged',
    on,
    at: `${main}.securityContext.privileged`,
    broken: [{ value: true }, { set: { [`${first}.securityContext.privileged`]: true } }],
    fine: [{ value: false }],
    absent: 'passes',
  },
  {
    policy: 'k8s-no-host-namespaces',
    on,
    at: `${pod}.hostNetwork`,
    broken: [{ value: true }, { set: { [`${pod}.hostPID`]: true } }, { set: { [`${pod}.hostIPC`]: true } }],
    fine: [{ value: false }],
    absent: 'passes',
  },
  {
    policy: 'k8s-no-host-path',
    on,
    at: `${pod}.volumes[0].hostPath`,
    broken: [{ value: { path: '/var/run/docker.sock' } }, { value: {} }],
    absent: 'passes',
  },
  {
    policy: 'k8s-no-host-ports',
    on,
    at: `${main}.ports[0].hostPort`,
    broken: [{ value: 8883 }, { set: { [`${first}.ports[0].hostPort`]: 9091 } }],
    fine: [{ value: 0 }],
    absent: 'passes',
  },
  {
    policy: 'k8s-no-host-probes',
    on,
    at: `${main}.livenessProbe.httpGet.host`,
    broken: [
      { value: 'metadata.google.internal' },
      { set: { [`${main}.readinessProbe.httpGet.host`]: '10.0.0.1' } },
      { set: { [`${first}.startupProbe.httpGet.host`]: '10.0.0.1' } },
      { set: { [`${main}.lifecycle.postStart.tcpSocket.host`]: '10.0.0.1' } },
    ],
    fine: [{ value: '' }],
    absent: 'passes',
  },
  {
    policy: 'k8s-no-host-process',
    on,
    at: `${pod}.securityContext.windowsOptions.hostProcess`,
    broken: [{ value: true }, { set: { [`${main}.securityContext.windowsOptions.hostProcess`]: true } }],
    fine: [{ value: false }],
    absent: 'passes',
  },
  {
    policy: 'k8s-proc-mount-default',
    on,
    at: `${main}.securityContext.procMount`,
    broken: [{ value: 'Unmasked' }, { set: { [`${first}.securityContext.procMount`]: 'Unmasked' } }],
    fine: [{ value: 'Default' }],
    absent: 'passes',
  },
  {
    policy: 'k8s-sysctls-safe',
    on,
    at: `${pod}.securityContext.sysctls`,
    broken: [
      { value: [{ name: 'kernel.msgmax', value: '65536' }] },
      {
        value: [
          { name: 'net.ipv4.tcp_rmem', value: '4096' },
          { name: 'net.core.somaxconn', value: '1' },
        ],
      },
    ],
    fine: [{ value: [{ name: 'net.ipv4.tcp_keepalive_time', value: '60' }] }],
    absent: 'passes',
  },
  {
    policy: 'k8s-selinux-options',
    on,
    at: `${pod}.securityContext.seLinuxOptions.type`,
    broken: [
      { value: 'spc_t' },
      { set: { [`${pod}.securityContext.seLinuxOptions.user`]: 'system_u' } },
      { set: { [`${main}.securityContext.seLinuxOptions.role`]: 'sysadm_r' } },
    ],
    fine: [{ value: 'container_t' }, { set: { [`${main}.securityContext.seLinuxOptions.level`]: 's0:c1' } }],
    absent: 'passes',
  },
  {
    policy: 'k8s-apparmor-profile',
    on,
    at: `${pod}.securityContext.appArmorProfile.type`,
    broken: [
      { value: 'Unconfined' },
      { set: { [`${main}.securityContext.appArmorProfile.type`]: 'Unconfined' } },
      { set: { 'spec.template.metadata.annotations': { [annotation]: 'unconfined' } } },
    ],
    fine: [
      { value: 'RuntimeDefault' },
      { value: 'Localhost' },
      { set: { 'spec.template.metadata.annotations': { [annotation]: 'runtime/default', other: 'unconfined' } } },
    ],
    absent: 'passes',
  },
]);
