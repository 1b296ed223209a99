import { type Answer, any, no, unknown, yes } from '../framework/answer.ts';
import type { Reading } from '../framework/reader.ts';
import type { Resource } from '../framework/stack.ts';

/** The top-level property of a path, which is what dependencies are recorded for. */
const propertyOf = (path: string): string => path.split(/[.[]/)[0] ?? path;

/**
 * Whether the property of one resource names another. What flows into the property decides, since ids are unknown in a
 * preview; a text decides only where nothing flows: `projects/p/topics/NAME` names the topic called NAME.
 * @param nameAt where the other keeps the name that such a text ends with.
 */
export function refersTo(from: Resource, path: string, to: Resource, nameAt = 'name'): Answer {
  const sources = from.sourcesOf(propertyOf(path));
  if (sources.some(({ urn }) => urn === to.urn)) return yes;
  const reading = from.at(path);
  if (reading.state === 'absent') return no(path);
  if (sources.some(({ type }) => type === to.type)) return no(path);
  const name = to.at(nameAt);
  if (reading.state === 'unknown') return unknown(path);
  if (name.state !== 'known') return name.state === 'unknown' ? unknown(`${to.name}.${nameAt}`) : no(path);
  return reading.test((text) => typeof text === 'string' && text.split('/').at(-1) === name.value);
}

/** What a subject's answer becomes when it is about a relation: the place that a reader has to look at, in words. */
export const named = (given: Answer, ...at: string[]): Answer => (given.is === 'no' ? no(...at) : given);

/** `member` of a grant, or any of its `members`. */
export function hasMember(grant: Resource, right: (member: Reading) => Answer): Answer {
  const members = grant.at('members');
  return members.state === 'absent' ? right(grant.at('member')) : members.some(right);
}

/** Object of Kubernetes by kind, in every version and group that has it. */
export const kindOf = (kind: string): RegExp => new RegExp(`^kubernetes:[^:]+:${kind}$`);

/** Where an object lives; without a namespace it is `default`. */
export const namespaceOf = (object: Resource): Reading => object.at('metadata.namespace').orElse('default');

/** Two places hold one value. Two that hold nothing do not. */
export const same = (a: Reading, b: Reading): Answer => (b.state === 'unknown' ? unknown(b.path) : a.is(b.value));

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

/** One of the resources answers yes. Of none at all: no. */
export const some = (resources: readonly Resource[], right: (resource: Resource) => Answer): Answer =>
  any(resources.map(right));
