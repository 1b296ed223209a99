import { all, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import { everyContainer, everyContext, everyEntry, isUnset, podBearing, podOf } from './pods.ts';

/**
 * The controls of the baseline profile of the Pod Security Standards, as of Kubernetes 1.34. Each decides as the
 * cluster's own admission does; a test asks both. Relaxations for user namespaces (1.35) are not taken: what is right
 * here is right on older clusters too.
 */
const standards = 'https://kubernetes.io/docs/concepts/security/pod-security-standards/';

export const podSecurityBaselinePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-no-privileged',
    description: 'No container is privileged: one that is has every device and capability of its node.',
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Remove securityContext.privileged, and add single capabilities where a program needs them.',
    url: standards,
    references: {
      pss: ['baseline/privileged-containers'],
      'cis-gke': ['4.2.1'],
      checkov: ['CKV_K8S_16'],
      trivy: ['KSV-0017'],
    },
    types: podBearing,
    judge: (subject) =>
      everyContainer(podOf(subject), (container) => container.at('securityContext.privileged').isNot(true)),
  }),

  resourcePolicy({
    id: 'k8s-no-host-namespaces',
    description: "Pods do not share the node's processes, memory segments or network.",
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Remove hostPID, hostIPC and hostNetwork from the pod.',
    url: standards,
    references: {
      pss: ['baseline/host-namespaces'],
      'cis-gke': ['4.2.1'],
      checkov: ['CKV_K8S_17', 'CKV_K8S_18', 'CKV_K8S_19'],
      trivy: ['KSV-0008', 'KSV-0009', 'KSV-0010'],
    },
    types: podBearing,
    judge: (subject) => {
      const { spec } = podOf(subject);
      return all(['hostPID', 'hostIPC', 'hostNetwork'].map((name) => spec.at(name).isNot(true)));
    },
  }),

  resourcePolicy({
    id: 'k8s-no-host-path',
    description: "Pods mount nothing of their node's disk: the runtime's socket or a kubelet's key is the whole node.",
    severity: 'critical',
    level: 'mandatory',
    remediation: 'Use emptyDir, a persistent volume claim, a ConfigMap or a CSI volume instead of hostPath.',
    url: standards,
    references: {
      pss: ['baseline/hostpath-volumes'],
      'cis-gke': ['4.2.1'],
      checkov: ['CKV_K8S_27'],
      trivy: ['KSV-0006', 'KSV-0023'],
    },
    types: podBearing,
    judge: (subject) =>
      podOf(subject)
        .spec.at('volumes')
        .every((volume) => volume.at('hostPath').isAbsent()),
  }),

  resourcePolicy({
    id: 'k8s-no-host-ports',
    description: 'Containers open no port of their node: it goes around services and network policies.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Remove hostPort and reach the pods by a Service.',
    url: standards,
    references: { pss: ['baseline/host-ports'], checkov: ['CKV_K8S_26'], trivy: ['KSV-0024'] },
    types: podBearing,
    judge: (subject) =>
      everyContainer(podOf(subject), (container) =>
        container.at('ports').every((port) => port.at('hostPort').orElse(0).is(0)),
      ),
  }),

  resourcePolicy({
    id: 'k8s-no-host-probes',
    description: 'Probes and hooks ask the pod itself: another host makes the kubelet reach what the pod cannot.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Remove host from the httpGet and tcpSocket of probes and lifecycle hooks.',
    url: standards,
    references: { pss: ['baseline/host-probes-and-lifecycle-hooks'] },
    types: podBearing,
    judge: (subject) =>
      everyContainer(podOf(subject), (container) =>
        all(
          handlers.flatMap((handler) => [
            isUnset(container.at(`${handler}.httpGet.host`)),
            isUnset(container.at(`${handler}.tcpSocket.host`)),
          ]),
        ),
      ),
  }),

  resourcePolicy({
    id: 'k8s-no-host-process',
    description: 'No Windows container runs as a process of its node.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Remove windowsOptions.hostProcess from pod and containers.',
    url: standards,
    references: { pss: ['baseline/hostprocess'], trivy: ['KSV-0103'] },
    types: podBearing,
    judge: (subject) => everyContext(podOf(subject), (context) => context.at('windowsOptions.hostProcess').isNot(true)),
  }),

  resourcePolicy({
    id: 'k8s-proc-mount-default',
    description: 'The runtime masks /proc as it does by default.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Remove securityContext.procMount.',
    url: standards,
    references: { pss: ['baseline/proc-mount-type'], trivy: ['KSV-0027'] },
    types: podBearing,
    judge: (subject) =>
      everyContainer(podOf(subject), (container) =>
        container.at('securityContext.procMount').orElse('Default').is('Default'),
      ),
  }),

  resourcePolicy({
    id: 'k8s-sysctls-safe',
    description: 'Pods set only kernel parameters that stay inside the pod.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Remove each sysctl that is not in the safe set of the Pod Security Standards.',
    url: standards,
    references: { pss: ['baseline/sysctls'], trivy: ['KSV-0026'] },
    types: podBearing,
    judge: (subject) =>
      podOf(subject)
        .spec.at('securityContext.sysctls')
        .every((sysctl) => sysctl.at('name').is(...safeSysctls)),
  }),

  resourcePolicy({
    id: 'k8s-selinux-options',
    description: 'SELinux keeps the confinement of containers: no other type, user or role.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Remove seLinuxOptions, or set only a level and a type of containers.',
    url: standards,
    references: { pss: ['baseline/selinux'], trivy: ['KSV-0025'] },
    types: podBearing,
    judge: (subject) =>
      everyContext(podOf(subject), (context) =>
        all([
          context
            .at('seLinuxOptions.type')
            .orElse('')
            .is('', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'),
          isUnset(context.at('seLinuxOptions.user')),
          isUnset(context.at('seLinuxOptions.role')),
        ]),
      ),
  }),

  resourcePolicy({
    id: 'k8s-apparmor-profile',
    description: 'AppArmor stays on, by field and by the older annotation.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Remove the profile Unconfined: the default of the runtime, or a profile of the node, confines.',
    url: standards,
    references: { pss: ['baseline/apparmor'], trivy: ['KSV-0002'] },
    types: podBearing,
    judge: (subject) =>
      all([
        everyContext(podOf(subject), (context) =>
          context.at('appArmorProfile.type').orElse('RuntimeDefault').is('RuntimeDefault', 'Localhost'),
        ),
        everyEntry(podOf(subject).metadata.at('annotations'), (name, value) =>
          name.startsWith(appArmorAnnotation) ? value.matches(/^($|runtime\/default$|localhost\/)/) : yes,
        ),
      ]),
  }),
];

const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/';

const handlers = [
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle.postStart',
  'lifecycle.preStop',
] as const;

/** https://github.com/kubernetes/pod-security-admission/blob/master/policy/check_sysctls.go, the set of 1.32. */
const safeSysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
];
