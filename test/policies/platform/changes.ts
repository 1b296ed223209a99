import type { RawResource } from '../../../policies/framework/stack.ts';
import { fixture, withValue } from '../../../policies/framework/testing.ts';

export type Change = (resources: RawResource[]) => readonly RawResource[];
type Props = Readonly<Record<string, unknown>>;

const is = (each: RawResource, kind: string, name: string) => each.type.includes(kind) && each.name.includes(name);

/** Throws when nobody is meant: a proof about nothing proves nothing. */
function about(resources: readonly RawResource[], kind: string, name: string): void {
  if (!resources.some((each) => is(each, kind, name))) throw new Error(`no ${kind} named …${name}… in the stack`);
}

/** Sets values by path on each resource of a kind whose name has this part; `undefined` removes. */
export const edit =
  (kind: string, name: string, values: Props): Change =>
  (resources) => {
    about(resources, kind, name);
    return resources.map((each) =>
      is(each, kind, name)
        ? {
            ...each,
            props: Object.entries(values).reduce<Props>(
              (props, [at, value]) => withValue(props, at, value),
              each.props,
            ),
          }
        : each,
    );
  };

/** The same with what flows into some properties forgotten: the value is all that is left. */
export const literal =
  (kind: string, name: string, values: Props): Change =>
  (resources) =>
    edit(
      kind,
      name,
      values,
    )(resources).map((each) =>
      is(each, kind, name)
        ? {
            ...each,
            propertyDependencies: Object.fromEntries(
              Object.entries(each.propertyDependencies ?? {}).filter(
                ([property]) => !Object.keys(values).some((at) => at.split(/[.[]/)[0] === property),
              ),
            ),
          }
        : each,
    );

/** One property comes from another resource. */
export const flow =
  (kind: string, name: string, property: string, fromKind: string, fromName: string): Change =>
  (resources) => {
    about(resources, kind, name);
    const source = resources.find((each) => is(each, fromKind, fromName));
    if (source === undefined) throw new Error(`no ${fromKind} named …${fromName}… in the stack`);
    return resources.map((each) =>
      is(each, kind, name)
        ? { ...each, propertyDependencies: { ...each.propertyDependencies, [property]: [source.urn] } }
        : each,
    );
  };

export const without =
  (kind: string, name = ''): Change =>
  (resources) => {
    about(resources, kind, name);
    return resources.filter((each) => !is(each, kind, name));
  };

export const unprotect =
  (kind: string, name = ''): Change =>
  (resources) => {
    about(resources, kind, name);
    return resources.map((each) => (is(each, kind, name) ? { ...each, protect: false } : each));
  };

export const adding =
  (type: string, props: Props, more: Partial<RawResource> = {}): Change =>
  (resources) => [...resources, fixture(type, props, more)];

export const both =
  (...changes: readonly Change[]): Change =>
  (resources) => {
    let now: readonly RawResource[] = resources;
    for (const change of changes) now = change(now as RawResource[]);
    return now;
  };
