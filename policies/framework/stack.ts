import { Reading, unknownObject } from './reader.ts';

/** One resource of a stack; properties are outputs after an update, inputs with unknowns in a preview. */
export type Resource = {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly protect: boolean;
  readonly at: (path: string) => Reading;
  readonly parent: Resource | null;
  /** Everything it waits for. */
  readonly dependencies: readonly Resource[];
  /** What flows into a top-level property: follow these, since ids are unknown in a preview. */
  readonly sourcesOf: (property: string) => readonly Resource[];
};

/** A resource as it comes from the policy host, from a recording or from a fixture. Links are URNs. */
export type RawResource = {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Readonly<Record<string, unknown>>;
  /**
   * The engine has no property of it. A provider that is not configured yet (its cluster is still to be made) is not asked
   * in a preview: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/provider_plugin.go
   */
  readonly unread?: boolean;
  readonly protect?: boolean;
  readonly parent?: string | null;
  readonly dependencies?: readonly string[];
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>>;
};

/** What a policy of the stack may know besides resources. */
export type Context = { readonly tier: string; readonly now: Date };

/** An index over the resources of a stack. */
export type Stack = Context & {
  readonly resources: readonly Resource[];
  readonly ofType: (...types: readonly (string | RegExp)[]) => readonly Resource[];
  readonly byUrn: (urn: string) => Resource | null;
  /** Who has this resource flow into the property (any property, without one). */
  readonly dependentsOf: (resource: Resource, property?: string) => readonly Resource[];
};

export function stackOf(raw: readonly RawResource[], context: Context): Stack {
  const byUrn = new Map<string, Resource>();
  const byType = new Map<string, Resource[]>();
  const dependents = new Map<string, { resource: Resource; property: string }[]>();
  const linked = (urns: readonly string[] = []) =>
    urns.flatMap((urn) => {
      const found = byUrn.get(urn);
      return found === undefined ? [] : [found];
    });
  for (const each of raw) {
    const root = new Reading('', each.unread === true ? unknownObject : each.props);
    const resource: Resource = {
      type: each.type,
      name: each.name,
      urn: each.urn,
      protect: each.protect ?? false,
      at: (path) => root.at(path),
      get parent() {
        return byUrn.get(each.parent ?? '') ?? null;
      },
      get dependencies() {
        return linked(each.dependencies);
      },
      sourcesOf: (property) => linked(each.propertyDependencies?.[property]),
    };
    byUrn.set(each.urn, resource);
    listOf(byType, each.type).push(resource);
    for (const [property, urns] of Object.entries(each.propertyDependencies ?? {}))
      for (const urn of urns) listOf(dependents, urn).push({ resource, property });
  }
  const matching = (type: string | RegExp) =>
    typeof type === 'string'
      ? (byType.get(type) ?? [])
      : [...byType].flatMap(([each, resources]) => (type.test(each) ? resources : []));
  return {
    ...context,
    resources: [...byUrn.values()],
    ofType: (...types) => types.flatMap(matching),
    byUrn: (urn) => byUrn.get(urn) ?? null,
    dependentsOf: ({ urn }, property) => [
      ...new Set(
        (dependents.get(urn) ?? [])
          .filter((each) => property === undefined || each.property === property)
          .map(({ resource }) => resource),
      ),
    ],
  };
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
  const found = lists.get(key) ?? [];
  lists.set(key, found);
  return found;
}
