import { all } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';

/** Kinds that live in a namespace; a foreign kind cannot be told. */
const namespaced =
  /^kubernetes:(core\/v1:(ConfigMap|Endpoints|LimitRange|PersistentVolumeClaim|Pod|PodTemplate|ReplicationController|ResourceQuota|Secret|Service|ServiceAccount)|(apps|extensions)\/v\w+:(Deployment|StatefulSet|DaemonSet|ReplicaSet)|batch\/v\w+:(Job|CronJob)|autoscaling\/v\w+:HorizontalPodAutoscaler|policy\/v\w+:PodDisruptionBudget|networking\.k8s\.io\/v\w+:(Ingress|NetworkPolicy)|rbac\.authorization\.k8s\.io\/v\w+:(Role|RoleBinding)|gateway\.networking\.k8s\.io\/v\w+:\w+Route|gateway\.networking\.k8s\.io\/v\w+:Gateway)$/;

export const namespacePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-namespace-pss-labels',
    description:
      'Each namespace refuses pods that are not restricted, so that a workload of another program is held to it.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Set the label pod-security.kubernetes.io/enforce of the namespace to restricted.',
    url: 'https://kubernetes.io/docs/concepts/security/pod-security-admission/',
    references: { 'cis-gke': ['4.2.1'] },
    types: ['kubernetes:core/v1:Namespace'],
    judge: ({ at }) => {
      const labels = at('metadata.labels');
      return all([
        labels.key('pod-security.kubernetes.io/enforce').is('restricted'),
        // Unset means latest; versions before 1.25 had holes that later ones closed.
        labels
          .key('pod-security.kubernetes.io/enforce-version')
          .orElse('latest')
          .matches(/^(latest|v1\.(2[5-9]|[3-9]\d))$/),
      ]);
    },
  }),

  resourcePolicy({
    id: 'k8s-no-default-namespace',
    description: 'Objects say their namespace, and none is in default or in one of the cluster itself.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Set metadata.namespace to a namespace of the program.',
    url: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/',
    references: { 'cis-gke': ['4.6.4'], checkov: ['CKV_K8S_21'], trivy: ['KSV-0037', 'KSV-0110'] },
    types: namespaced,
    judge: ({ at }) => at('metadata.namespace').matches(/^(?!default$|kube-)./),
  }),
];
