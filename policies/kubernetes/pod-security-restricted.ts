import { all, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import { everyContainer, everyContext, everyEntry, inherited, podBearing, podOf, unlessWindows } from './pods.ts';

/** What the restricted profile of the Pod Security Standards asks beyond the baseline, and a read-only root. */
const standards = 'https://kubernetes.io/docs/concepts/security/pod-security-standards/';

export const podSecurityRestrictedPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-no-privilege-escalation',
    description: 'No process gains more than its parent has: set-user-id programs of an image stay without effect.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set securityContext.allowPrivilegeEscalation to false on every container.',
    url: standards,
    references: {
      pss: ['restricted/privilege-escalation'],
      'cis-gke': ['4.2.1'],
      checkov: ['CKV_K8S_20'],
      trivy: ['KSV-0001'],
    },
    types: podBearing,
    judge: (subject) => {
      const pod = podOf(subject);
      return unlessWindows(pod, () =>
        everyContainer(pod, (container) => container.at('securityContext.allowPrivilegeEscalation').is(false)),
      );
    },
  }),

  resourcePolicy({
    id: 'k8s-run-as-non-root',
    description: 'The kubelet refuses to start a container as root, whatever its image says.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set securityContext.runAsNonRoot to true on the pod, and to false nowhere.',
    url: standards,
    references: { pss: ['restricted/running-as-non-root'], checkov: ['CKV_K8S_23'], trivy: ['KSV-0012'] },
    types: podBearing,
    judge: (subject) => {
      const pod = podOf(subject);
      return all([
        pod.spec.at('securityContext.runAsNonRoot').isNot(false),
        everyContainer(pod, (container) => inherited(container, pod, 'runAsNonRoot').is(true)),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-no-root-user',
    description: 'No user id 0, on the pod or on a container.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set securityContext.runAsUser to an id above 0, or leave it to the image.',
    url: standards,
    references: {
      pss: ['restricted/running-as-non-root-user'],
      checkov: ['CKV_K8S_23', 'CKV_K8S_40'],
      trivy: ['KSV-0105'],
    },
    types: podBearing,
    judge: (subject) => everyContext(podOf(subject), (context) => context.at('runAsUser').isNot(0, '0')),
  }),

  resourcePolicy({
    id: 'k8s-capabilities-drop-all',
    description: 'Containers give every capability away, and take back at most the one for ports below 1024.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set securityContext.capabilities.drop to ["ALL"] and add nothing but NET_BIND_SERVICE.',
    url: standards,
    references: {
      pss: ['baseline/capabilities', 'restricted/capabilities'],
      checkov: ['CKV_K8S_25', 'CKV_K8S_28', 'CKV_K8S_37', 'CKV_K8S_39'],
      trivy: ['KSV-0003', 'KSV-0004', 'KSV-0022', 'KSV-0106', 'KSV-0119'],
    },
    types: podBearing,
    judge: (subject) => {
      const pod = podOf(subject);
      return all([
        unlessWindows(pod, () =>
          everyContainer(pod, (container) => container.at('securityContext.capabilities.drop').includes('ALL')),
        ),
        everyContainer(pod, (container) =>
          container.at('securityContext.capabilities.add').every((added) => added.is('NET_BIND_SERVICE')),
        ),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-seccomp-runtime-default',
    description: "System calls are filtered by the runtime's profile or by one of the node.",
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set securityContext.seccompProfile.type to RuntimeDefault on the pod.',
    url: standards,
    references: {
      pss: ['baseline/seccomp', 'restricted/seccomp'],
      'cis-gke': ['4.6.2'],
      checkov: ['CKV_K8S_31'],
      trivy: ['KSV-0030', 'KSV-0104'],
    },
    types: podBearing,
    judge: (subject) => {
      const pod = podOf(subject);
      const filtered = ['RuntimeDefault', 'Localhost'];
      return all([
        pod.spec
          .at('securityContext.seccompProfile.type')
          .orElse('RuntimeDefault')
          .is(...filtered),
        unlessWindows(pod, () =>
          everyContainer(pod, (container) => inherited(container, pod, 'seccompProfile.type').is(...filtered)),
        ),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-volume-types',
    description: 'Volumes are of kinds that neither the node nor a foreign server can misuse.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Use configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected or secret.',
    url: standards,
    references: { pss: ['restricted/volume-types'], trivy: ['KSV-0028', 'KSV-0121'] },
    types: podBearing,
    judge: (subject) =>
      podOf(subject)
        .spec.at('volumes')
        .every((volume) => everyEntry(volume, (name, value) => (allowedVolumes.has(name) ? yes : value.isAbsent()))),
  }),

  resourcePolicy({
    id: 'k8s-read-only-root-filesystem',
    description: 'What breaks into a container cannot change its programs: its own files cannot be written.',
    severity: 'medium',
    level: 'mandatory',
    remediation:
      'Set securityContext.readOnlyRootFilesystem to true and mount an emptyDir where the program has to write.',
    url: 'https://kubernetes.io/docs/tasks/configure-pod-container/security-context/',
    references: { checkov: ['CKV_K8S_22'], trivy: ['KSV-0014'] },
    types: podBearing,
    judge: (subject) => {
      const pod = podOf(subject);
      return unlessWindows(pod, () =>
        everyContainer(pod, (container) => container.at('securityContext.readOnlyRootFilesystem').is(true)),
      );
    },
  }),
];

/** `name` is not a kind of volume. hostPath has its own policy, with its own severity. */
const allowedVolumes: ReadonlySet<string> = new Set([
  'name',
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
  'hostPath',
]);
