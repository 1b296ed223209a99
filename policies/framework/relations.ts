import { type Answer, any, no, unknown, yes } from './answer.ts';
import type { Reading } from './reader.ts';
import type { Resource } from './stack.ts';

/** The top-level property of a path, which is what dependencies are recorded for. */
const propertyOf = (path: string): string => path.split(/[.[]/)[0] ?? path;

/**
 * Whether the property of one resource names another. What flows into the property decides, since ids are unknown in a
 * preview; a text decides only where nothing flows: `projects/p/topics/NAME` names the topic called NAME. What flows is
 * recorded for top-level properties alone, so that a text below one that names somebody else is believed when another
 * place of that property can be what the flow is about.
 * @param nameAt where the other keeps the name that such a text ends with.
 */
export function refersTo(from: Resource, path: string, to: Resource, nameAt = 'name'): Answer {
  const top = propertyOf(path);
  const sources = from.sourcesOf(top);
  const reading = from.at(path);
  if (reading.state === 'absent') return no(path);
  const name = to.at(nameAt);
  const ends = (place: Reading): Answer =>
    place.test((text) => typeof text === 'string' && text.split('/').at(-1) === name.value);
  if (sources.some(({ urn }) => urn === to.urn)) {
    if (path === top || reading.state === 'unknown' || name.state !== 'known' || ends(reading).is === 'yes') return yes;
    const elsewhere = leavesOf(from.at(top)).filter((leaf) => leaf.path !== reading.path);
    return elsewhere.some((leaf) => ends(leaf).is !== 'no') ? no(path) : yes;
  }
  if (sources.some(({ type }) => type === to.type)) return no(path);
  if (reading.state === 'unknown') return unknown(path);
  if (name.state !== 'known') return name.state === 'unknown' ? unknown(`${to.name}.${nameAt}`) : no(path);
  return ends(reading);
}

/** Every place of a value that holds no list or object. */
function leavesOf(reading: Reading): readonly Reading[] {
  const below = [...reading.items(), ...reading.entries().map(([, each]) => each)];
  return below.length === 0 ? [reading] : below.flatMap(leavesOf);
}

/** What a subject's answer becomes when it is about a relation: the place that a reader has to look at, in words. */
export const named = (given: Answer, ...at: string[]): Answer => (given.is === 'no' ? no(...at) : given);

/** Two places hold one value. Two that hold nothing do not. */
export const same = (a: Reading, b: Reading): Answer => (b.state === 'unknown' ? unknown(b.path) : a.is(b.value));

/** One of the resources answers yes. Of none at all: no. */
export const some = (resources: readonly Resource[], right: (resource: Resource) => Answer): Answer =>
  any(resources.map(right));
