import { type Answer, all, any } from '../framework/answer.ts';
import type { Subject } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';

/** Every kind that makes pods, in each version of its group that a cluster may still serve. */
export const podBearing =
  /^kubernetes:(core\/v1:(Pod|PodTemplate|ReplicationController)|(apps|extensions)\/v\w+:(Deployment|StatefulSet|DaemonSet|ReplicaSet)|batch\/v\w+:(Job|CronJob))$/;

/** Kinds whose pods run until somebody stops them. */
export const longRunning =
  /^kubernetes:(core\/v1:ReplicationController|(apps|extensions)\/v\w+:(Deployment|StatefulSet|DaemonSet|ReplicaSet))$/;

/** What one of these kinds says about its pods, wherever that kind keeps it. */
export type Pod = {
  readonly metadata: Reading;
  readonly spec: Reading;
};

type Given = Pick<Subject, 'type' | 'at'>;

export function podOf({ type, at }: Given): Pod {
  const above = templatePath(type);
  return { metadata: at(`${above}metadata`), spec: at(`${above}spec`) };
}

function templatePath(type: string): string {
  switch (type.split(':').at(-1)) {
    case 'Pod':
      return '';
    case 'PodTemplate':
      return 'template.';
    case 'CronJob':
      return 'spec.jobTemplate.spec.template.';
    default:
      return 'spec.template.';
  }
}

const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** Holds for each container of every sort: one that starts the pod, one that stays, one for debugging. */
export const everyContainer = ({ spec }: Pod, right: (container: Reading) => Answer): Answer =>
  all(lists.map((list) => spec.at(list).every(right)));

/** Holds for the containers that the pod is made with: one for debugging has no resources of its own. */
export const everyOwnContainer = ({ spec }: Pod, right: (container: Reading) => Answer): Answer =>
  all([spec.at('initContainers').every(right), spec.at('containers').every(right)]);

/** Holds for the containers that live as long as the pod: its main ones, and sidecars among those that start it. */
export const everyLastingContainer = ({ spec }: Pod, right: (container: Reading) => Answer): Answer =>
  all([
    spec.at('containers').every(right),
    spec
      .at('initContainers')
      .every((container) => any([container.at('restartPolicy').isNot('Always'), right(container)])),
  ]);

/** Holds for the pod's security context and for each container's. */
export const everyContext = (pod: Pod, right: (context: Reading) => Answer): Answer =>
  all([
    right(pod.spec.at('securityContext')),
    everyContainer(pod, (container) => right(container.at('securityContext'))),
  ]);

/** A setting that each container inherits from its pod unless it says otherwise. */
export const inherited = (container: Reading, { spec }: Pod, path: string): Reading => {
  const own = container.at(`securityContext.${path}`);
  return own.state === 'absent' ? spec.at(`securityContext.${path}`) : own;
};

/** Pods of Windows cannot say what only Linux has: the API refuses it. */
export const unlessWindows = ({ spec }: Pod, rule: () => Answer): Answer =>
  any([rule(), spec.at('os.name').is('windows')]);

/** Names and values; an object that is unknown is one unknown value. */
export const everyEntry = (object: Reading, right: (name: string, value: Reading) => Answer): Answer =>
  object.state === 'unknown' ? object.exists() : all(object.entries().map(([name, value]) => right(name, value)));

/** Not there, or an empty text: how the API means "not set". */
export const isUnset = (place: Reading): Answer => place.orElse('').is('');
