import { type Answer, unknown, yes } from '../framework/answer.ts';
import type { Reading } from '../framework/reader.ts';
import { same } from '../framework/relations.ts';
import type { Resource } from '../framework/stack.ts';

/** `member` of a grant, or any of its `members`. */
export function hasMember(grant: Resource, right: (member: Reading) => Answer): Answer {
  const members = grant.at('members');
  return members.state === 'absent' ? right(grant.at('member')) : members.some(right);
}

/** Object of Kubernetes by kind, in every version and group that has it. */
export const kindOf = (kind: string): RegExp => new RegExp(`^kubernetes:[^:]+:${kind}$`);

/** Where an object lives; without a namespace it is `default`. */
export const namespaceOf = (object: Resource): Reading => object.at('metadata.namespace').orElse('default');

export const sameNamespace = (a: Resource, b: Resource): Answer => same(namespaceOf(a), namespaceOf(b));

/** Pod-bearing kinds, and where their pod is. */
const podPaths: readonly (readonly [RegExp, string])[] = [
  [/^kubernetes:core\/v1:Pod$/, ''],
  [/^kubernetes:apps\/[^:]+:(Deployment|StatefulSet|DaemonSet|ReplicaSet)$/, 'spec.template'],
  [/^kubernetes:batch\/[^:]+:Job$/, 'spec.template'],
  [/^kubernetes:batch\/[^:]+:CronJob$/, 'spec.jobTemplate.spec.template'],
];

export const workloadTypes: readonly RegExp[] = podPaths.map(([type]) => type);

/** Metadata and spec of the pods that a workload makes. */
export function podOf(workload: Resource): { labels: Reading; spec: Reading } {
  const path = podPaths.find(([type]) => type.test(workload.type))?.[1] ?? '';
  const below = (rest: string) => workload.at(path === '' ? rest : `${path}.${rest}`);
  return { labels: below('metadata.labels'), spec: below('spec') };
}

/** Whether labels match a selector's pairs; an empty or missing selector is the caller's to interpret. */
export function selects(pairs: Reading, labels: Reading): Answer {
  if (pairs.state === 'unknown') return unknown(pairs.path);
  const answers = pairs.entries().map(([name, wanted]) => {
    if (wanted.state === 'unknown') return unknown(wanted.path);
    return labels.key(name).is(wanted.value);
  });
  return answers.find(({ is }) => is === 'no') ?? answers.find(({ is }) => is === 'unknown') ?? yes;
}
