import { type Answer, all, any } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { everyContainer, inherited, podBearing, podOf, unlessWindows } from './pods.ts';

export const userPolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-high-uid',
    description:
      'Containers run as a user and group that no node has for itself: who leaves the container is nobody there, either.',
    severity: 'low',
    level: 'advisory',
    remediation:
      'Set runAsUser and runAsGroup to at least the setting "least", and take 0 out of fsGroup and supplementalGroups.',
    url: 'https://kubernetes.io/docs/tasks/configure-pod-container/security-context/',
    references: { checkov: ['CKV_K8S_40'], trivy: ['KSV-0020', 'KSV-0021', 'KSV-0116'] },
    settings: { least: { default: 10_000, description: 'The lowest number of a user or group' } },
    types: podBearing,
    judge: (subject) => {
      const pod = podOf(subject);
      const groups = pod.spec.at('securityContext.supplementalGroups');
      return unlessWindows(pod, () =>
        all([
          everyContainer(pod, (container) => {
            const user = inherited(container, pod, 'runAsUser');
            return all([
              // Root is the finding of k8s-no-root-user.
              any([user.is(0), user.atLeast(subject.settings.least)]),
              inherited(container, pod, 'runAsGroup').atLeast(subject.settings.least),
            ]);
          }),
          isNotRoot(pod.spec.at('securityContext.fsGroup')),
          groups.every(isNotRoot),
        ]),
      );
    },
  }),

  resourcePolicy({
    id: 'k8s-no-host-aliases',
    description:
      'Names come from DNS: a line in the hosts file of a pod sends a name elsewhere, unseen by everybody else.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Remove hostAliases, and put the name into a zone of Cloud DNS or an ExternalName service.',
    url: 'https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/',
    references: { trivy: ['KSV-0007'] },
    types: podBearing,
    judge: (subject) =>
      podOf(subject)
        .spec.at('hostAliases')
        .every((alias) => alias.isAbsent()),
  }),
];

const isNotRoot = (group: Reading): Answer => any([group.isAbsent(), group.isNot(0)]);
