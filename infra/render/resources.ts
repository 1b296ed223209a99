import type { Registration } from '../recording/record.ts';
import { readable } from './values.ts';

/** A file of a rendering: path inside its folder, with `/`. */
export type RenderedFile = { path: string; text: string };

/** URN without stack and project. */
export const shortUrn = (urn: string): string => urn.split('::').slice(2).join('::');

/** Every resource with what the engine would be told of it, one file a component, in the order of their URNs. */
export function resourceFiles(registrations: readonly Registration[]): RenderedFile[] {
  const files = new Map<string, object[]>();
  for (const each of registrations) {
    if (each.type.startsWith('iot:')) continue;
    const file = componentOf(each);
    files.set(file, [...(files.get(file) ?? []), described(each)]);
  }
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, resources]) => ({
      path: `resources/${name}.json`,
      text: `${JSON.stringify(resources, null, 2)}\n`,
    }));
}

/** The name of the component that made it: `network-firewall`; `stack` for what no component made. */
export function componentOf({ parent }: Pick<Registration, 'parent'>): string {
  const [chain = '', name = 'stack'] = parent === null ? [] : shortUrn(parent).split('::');
  return chain.includes('iot:') ? name : 'stack';
}

function described(each: Registration): object {
  const options: Record<string, unknown> = {
    provider: each.provider === '' ? undefined : each.provider.split('::').at(-2),
    protect: each.protect || undefined,
    retainOnDelete: each.retainOnDelete || undefined,
    deleteBeforeReplace: each.deleteBeforeReplace || undefined,
    deletedWith: each.deletedWith === null ? undefined : shortUrn(each.deletedWith),
    ignoreChanges: each.ignoreChanges.length === 0 ? undefined : [...each.ignoreChanges].sort(),
    dependsOn: each.dependencies.length === 0 ? undefined : each.dependencies.map(shortUrn).sort(),
  };
  return { urn: shortUrn(each.urn), type: each.type, name: each.name, inputs: readable(each.inputs), options };
}
