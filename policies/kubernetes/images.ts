import { type Answer, all, yes } from '../framework/answer.ts';
import { type Policy, resourcePolicy, type Subject } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { everyContainer, podBearing, podOf } from './pods.ts';

export const imagePolicies: readonly Policy[] = [
  resourcePolicy({
    id: 'k8s-image-tag',
    description: 'Images have a digest or a tag of their own: without one, every node may run another "latest".',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Name the image by digest, or by a tag that is not latest.',
    url: 'https://kubernetes.io/docs/concepts/containers/images/',
    references: { checkov: ['CKV_K8S_14'], trivy: ['KSV-0013'] },
    types: podBearing,
    judge: (subject) => everyImage(subject, (image) => image.test((name) => isPinned(name) || hasOwnTag(name))),
  }),

  resourcePolicy({
    id: 'k8s-image-digest',
    description: 'Images are named by what they hold: a tag can be moved after it was reviewed.',
    severity: 'high',
    level: 'mandatory',
    tiers: ['prod'],
    remediation: 'Name the image by digest: HOST/PATH@sha256:DIGEST.',
    url: 'https://docs.cloud.google.com/kubernetes-engine/docs/concepts/about-container-images',
    references: { 'cis-gke': ['5.1.4'], checkov: ['CKV_K8S_43'] },
    types: podBearing,
    judge: (subject) => everyImage(subject, (image) => image.test(isPinned)),
  }),

  resourcePolicy({
    id: 'k8s-image-registry',
    description: 'Images come from registries that the team trusts.',
    severity: 'high',
    level: 'mandatory',
    remediation: 'Copy the image into a registry of the setting "registries", or add its registry there.',
    url: 'https://docs.cloud.google.com/artifact-registry/docs/docker/pushing-and-pulling',
    references: {
      'cis-gke': ['5.1.4'],
      trivy: ['KSV-0033', 'KSV-0034', 'KSV-0124', 'KSV-0125'],
    },
    settings: {
      registries: {
        default: ['*-docker.pkg.dev/'],
        description: 'Beginnings of images up to a slash; a star stands for a part of a host name or path',
      },
    },
    types: podBearing,
    judge: (subject) => {
      const trusted = subject.settings.registries.map(beginning);
      return everyImage(subject, (image) =>
        image.test((name) => trusted.some((pattern) => pattern.test(fullName(name)))),
      );
    },
  }),
];

/** Images of containers, and those mounted as volumes. */
const everyImage = (subject: Pick<Subject, 'type' | 'at'>, right: (image: Reading) => Answer): Answer => {
  const pod = podOf(subject);
  return all([
    everyContainer(pod, (container) => right(container.at('image'))),
    pod.spec
      .at('volumes')
      .every((volume) => (volume.at('image').state === 'absent' ? yes : right(volume.at('image.reference')))),
  ]);
};

const isPinned = (name: unknown): boolean => typeof name === 'string' && /@sha256:[0-9a-f]{64}$/.test(name);

/** A colon after the last slash; before it there may be the port of a host. */
function hasOwnTag(name: unknown): boolean {
  const tag =
    typeof name === 'string' ? /:([\w][\w.-]{0,127})$/.exec(name.slice(name.lastIndexOf('/') + 1))?.[1] : null;
  return tag !== undefined && tag !== null && tag !== 'latest';
}

/** As the runtime completes it: `nginx` is `docker.io/library/nginx`. */
function fullName(name: unknown): string {
  const text = typeof name === 'string' ? name : '';
  const [first = '', ...rest] = text.split('/');
  if (rest.length > 0 && /[.:]|^localhost$/.test(first)) return text;
  return rest.length === 0 ? `docker.io/library/${text}` : `docker.io/${text}`;
}

/** Always up to a slash: `example.com/team` must not trust `example.com/team-of-others`. */
function beginning(prefix: string): RegExp {
  const whole = prefix.endsWith('/') ? prefix : `${prefix}/`;
  return new RegExp(`^${whole.replace(/[.+?^$()[\]{}|\\]/g, '\\$&').replaceAll('*', '[a-z0-9-]+')}`);
}
