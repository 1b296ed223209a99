import type { Answer } from './answer.ts';
import { appliesTo, type Policy, type ResourcePolicy, type StackPolicy, settingsOf } from './policy.ts';
import { Reading } from './reader.ts';
import { type Context, type RawResource, type Stack, stackOf } from './stack.ts';

/** What one policy says: where it is broken, and where nobody can tell yet. */
export type Verdict = {
  readonly violations: readonly { readonly urn: string | null; readonly at: readonly string[] }[];
  /** Paths of the unknowns that stand in the way; empty: everything was decided. */
  readonly undecided: readonly string[];
};

const verdictOf = (urn: string | null, given: Answer): Verdict => ({
  violations: given.is === 'no' ? [{ urn, at: given.at }] : [],
  undecided: given.is === 'unknown' ? given.at : [],
});

/** @returns null for a resource that the policy does not speak about. */
export function judgeResource(
  policy: ResourcePolicy,
  resource: RawResource,
  config: Readonly<Record<string, unknown>> = {},
): Verdict | null {
  if (!appliesTo(policy, resource.type)) return null;
  return verdictOf(resource.urn, policy.judge(subjectOf(policy, resource, config)));
}

export function subjectOf(
  policy: ResourcePolicy,
  { type, name, urn, props, protect = false }: RawResource,
  config: Readonly<Record<string, unknown>>,
) {
  const root = new Reading('', props);
  return { type, name, urn, protect, at: (path: string) => root.at(path), settings: settingsOf(policy, config) };
}

export function judgeStack(policy: StackPolicy, stack: Stack, config: Readonly<Record<string, unknown>> = {}): Verdict {
  const verdicts = [...policy.judge(stack, settingsOf(policy, config))].map(({ urn, answer }) =>
    verdictOf(urn, answer),
  );
  return {
    violations: verdicts.flatMap(({ violations }) => violations),
    undecided: [...new Set(verdicts.flatMap(({ undecided }) => undecided))],
  };
}

/** Everything that policies say about resources, by policy id. Policies that say nothing are left out. */
export function judgeAll(
  policies: readonly Policy[],
  resources: readonly RawResource[],
  context: Context,
  configOf: (id: string) => Readonly<Record<string, unknown>> = () => ({}),
): ReadonlyMap<string, Verdict> {
  const said = new Map<string, Verdict>();
  const stack = stackOf(resources, context);
  for (const policy of policies) {
    const verdicts =
      policy.kind === 'stack'
        ? [judgeStack(policy, stack, configOf(policy.id))]
        : resources.flatMap((each) => judgeResource(policy, each, configOf(policy.id)) ?? []);
    const violations = verdicts.flatMap((each) => each.violations);
    const undecided = [...new Set(verdicts.flatMap((each) => each.undecided))];
    if (violations.length + undecided.length > 0) said.set(policy.id, { violations, undecided });
  }
  return said;
}
