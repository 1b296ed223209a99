import { judgeAll } from './judge.ts';
import type { Policy } from './policy.ts';
import { unknownText } from './reader.ts';
import type { RawResource } from './stack.ts';

/** Which policies are broken, and which cannot be decided. */
export type Said = { readonly fires: readonly string[]; readonly undecided: readonly string[] };

export function said(policies: readonly Policy[], resources: readonly RawResource[]): Said {
  const verdicts = [...judgeAll(policies, resources, inProduction)];
  return {
    fires: verdicts.filter(([, { violations }]) => violations.length > 0).map(([id]) => id),
    undecided: verdicts.filter(([, { undecided }]) => undecided.length > 0).map(([id]) => id),
  };
}

/** A value that is not known before an update. */
export const notKnownYet = unknownText;

/** Where proofs stand. */
export const inProduction = { tier: 'prod', now: new Date('2026-11-30T12:00:00Z') };

type Props = Readonly<Record<string, unknown>>;

/** A resource as a fixture; links by URN where a stack policy needs them. */
export const fixture = (
  type: string,
  props: Props,
  more: Partial<Omit<RawResource, 'type' | 'props'>> = {},
): RawResource => ({
  type,
  name: 'fixture',
  urn: `urn:pulumi:test::test::${type}::${more.name ?? 'fixture'}`,
  props,
  ...more,
});

/** Deep copy with a value set by path (`a.b`, `a.b[0].c`); `undefined` removes it. Missing objects are made. */
export function withValue(props: Props, path: string, value: unknown): Props {
  const copy = structuredClone(props) as Record<string, unknown>;
  const steps = path.split(/\.|\[|\]\.?/).filter((step) => step !== '');
  const last = steps.pop() ?? '';
  let here = copy;
  for (const [index, step] of steps.entries()) {
    // An unknown object is one text: nothing can be set below it.
    if (typeof here[step] !== 'object' || here[step] === null)
      here[step] = /^\d+$/.test(steps[index + 1] ?? last) ? [] : {};
    here = here[step] as Record<string, unknown>;
  }
  if (value === undefined) delete here[last];
  else here[last] = value;
  return copy;
}
