import { type Answer, all, any, no, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Resource } from '../framework/stack.ts';

const replicated = /^kubernetes:(apps|extensions)\/v\w+:(Deployment|StatefulSet)$/;
const autoscalers = /^kubernetes:autoscaling\/v\w+:HorizontalPodAutoscaler$/;

export const lifecyclePolicies: readonly Policy[] = [
  stackPolicy({
    id: 'k8s-replicas-min',
    description: 'A workload outlives the loss of a node: it has replicas, of its own or by its autoscaler.',
    severity: 'medium',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Set spec.replicas, or spec.minReplicas of its autoscaler, to the setting "replicas" or more.',
    url: 'https://docs.cloud.google.com/kubernetes-engine/docs/best-practices/scalability',
    references: {},
    settings: { replicas: { default: 2, description: 'How many replicas a workload has at least' } },
    judge: (stack, { replicas }) => {
      const scaling = stack.ofType(autoscalers);
      return [
        ...stack.ofType(replicated).map((workload) => ({
          urn: workload.urn,
          // The API's default is one, and an autoscaler's number goes before it.
          answer: any([
            workload.at('spec.replicas').orElse(1).atLeast(replicas),
            any(scaling.map((each) => scales(each, workload))),
          ]),
        })),
        ...scaling.map((each) => ({
          urn: each.urn,
          answer: each.at('spec.minReplicas').orElse(1).atLeast(replicas),
        })),
      ];
    },
  }),

  resourcePolicy({
    id: 'k8s-no-deprecated-api',
    description: 'Objects are of versions that clusters still serve: an upgrade makes the others impossible to change.',
    severity: 'low',
    level: 'mandatory',
    remediation: 'Use the current version of the kind; the migration guide names it.',
    url: 'https://kubernetes.io/docs/reference/using-api/deprecation-guide/',
    references: { trivy: ['KSV-0107'] },
    types: /^kubernetes:/,
    judge: ({ type }) => (removed.test(type) ? no('apiVersion') : yes),
  }),
];

const scales = (autoscaler: Resource, workload: Resource): Answer => {
  const name = workload.at('metadata.name');
  const namespace = workload.at('metadata.namespace').orElse('default');
  const unknown = [name, namespace].find(({ state }) => state === 'unknown');
  if (unknown !== undefined) return unknown.exists();
  return all([
    autoscaler.at('spec.scaleTargetRef.name').is(name.value),
    autoscaler.at('spec.scaleTargetRef.kind').is(workload.type.split(':').at(-1)),
    autoscaler.at('metadata.namespace').orElse('default').is(namespace.value),
  ]);
};

/**
 * What no Kubernetes serves since 1.32. Kinds are named where younger ones share the version.
 * https://kubernetes.io/docs/reference/using-api/deprecation-guide/
 */
const removed = new RegExp(
  `^kubernetes:(${[
    'extensions/v1beta1:\\w+',
    'apps/v1beta[12]:\\w+',
    'batch/(v1beta1|v2alpha1):\\w+',
    'autoscaling/v2beta[12]:\\w+',
    'policy/v1beta1:\\w+',
    '(apiextensions|discovery|events|node)\\.k8s\\.io/v1beta1:\\w+',
    '(rbac\\.authorization|scheduling)\\.k8s\\.io/v1(alpha|beta)1:\\w+',
    'flowcontrol\\.apiserver\\.k8s\\.io/v1beta[123]:\\w+',
    'networking\\.k8s\\.io/v1beta1:(Ingress|IngressClass)(List|Patch)?',
    'storage\\.k8s\\.io/v1beta1:(CSIDriver|CSINode|CSIStorageCapacity|StorageClass|VolumeAttachment)(List|Patch)?',
    'admissionregistration\\.k8s\\.io/v1beta1:(Mutating|Validating)WebhookConfiguration(List|Patch)?',
    'certificates\\.k8s\\.io/v1beta1:CertificateSigningRequest(List|Patch)?',
    'coordination\\.k8s\\.io/v1beta1:Lease(List|Patch)?',
  ].join('|')})$`,
);
