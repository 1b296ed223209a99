import type { Answer } from './answer.ts';
import type { Reading } from './reader.ts';
import type { Stack } from './stack.ts';

/** Numbers of the same rule elsewhere. `{}`: no public benchmark or scanner has it. */
export type References = {
  /** CIS Google Cloud Platform Foundation Benchmark 4.0 and 5.0: they number some rules differently. */
  readonly 'cis-gcp-4'?: readonly string[];
  readonly 'cis-gcp-5'?: readonly string[];
  /** CIS Google Kubernetes Engine Benchmark 1.9. */
  readonly 'cis-gke'?: readonly string[];
  readonly checkov?: readonly string[];
  readonly trivy?: readonly string[];
  /** Kubernetes Pod Security Standards: profile and control, as `restricted/running-as-non-root`. */
  readonly pss?: readonly string[];
};

/** What a team may set for one policy, each with its default: the policy host applies none by itself. */
export type Settings = Readonly<
  Record<string, { readonly default: number | string | boolean | readonly string[]; readonly description: string }>
>;
export type Values<S extends Settings> = { readonly [K in keyof S]: Widened<S[K]['default']> };
type Widened<T> = T extends number
  ? number
  : T extends string
    ? string
    : T extends boolean
      ? boolean
      : T extends readonly string[]
        ? readonly string[]
        : never;

type Metadata<S extends Settings> = {
  /** Unique in its pack; what configuration, exemptions and reports call it. */
  readonly id: string;
  /** What is required and why, in a sentence or two. */
  readonly description: string;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  /** Default enforcement; a team's configuration overrides it. */
  readonly level: 'mandatory' | 'advisory';
  /** Tiers in which `level` holds; in others the policy advises. Without it: in all. */
  readonly tiers?: readonly string[];
  /** In other tiers the policy says nothing, in place of advising: what it asks for is of those tiers alone. */
  readonly elsewhere?: 'disabled';
  /** What to do, as an instruction. It ends each violation's message. */
  readonly remediation: string;
  /** The vendor's page that explains the setting. */
  readonly url: string;
  readonly references: References;
  readonly settings?: S;
};

/** One resource with its inputs. */
export type Subject<S extends Settings = Settings> = {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  /** Whether the resource is protected against deletion by Pulumi's option. */
  readonly protect: boolean;
  readonly at: (path: string) => Reading;
  readonly settings: Values<S>;
};

export type ResourcePolicy<S extends Settings = Settings> = Metadata<S> & {
  readonly kind: 'resource';
  /** Type tokens, or a pattern over them. One token alone takes the policy host's fast path. */
  readonly types: readonly string[] | RegExp;
  /** @returns whether the resource obeys. */
  readonly judge: (subject: Subject<S>) => Answer;
  /** Values to set by path where the policy is broken; used only when a team sets its level to `remediate`. */
  readonly remedy?: (subject: Subject<S>) => Readonly<Record<string, unknown>>;
};

/** What a policy over the whole stack found about one resource, or about the stack (`urn` null). */
export type Finding = { readonly urn: string | null; readonly answer: Answer };

export type StackPolicy<S extends Settings = Settings> = Metadata<S> & {
  readonly kind: 'stack';
  readonly judge: (stack: Stack, settings: Values<S>) => Iterable<Finding>;
};

export type Policy = ResourcePolicy | StackPolicy;

/** Keeps the types of a policy's settings for its own `judge`, and forgets them for lists. */
export const resourcePolicy = <const S extends Settings = Record<never, never>>(
  policy: Omit<ResourcePolicy<S>, 'kind'>,
): ResourcePolicy => ({ ...policy, kind: 'resource' }) as unknown as ResourcePolicy;

export const stackPolicy = <const S extends Settings = Record<never, never>>(
  policy: Omit<StackPolicy<S>, 'kind'>,
): StackPolicy => ({ ...policy, kind: 'stack' }) as unknown as StackPolicy;

export const appliesTo = ({ types }: ResourcePolicy, type: string): boolean =>
  types instanceof RegExp ? types.test(type) : types.includes(type);

/** A team's values over the defaults. */
export const settingsOf = (policy: Policy, given: Readonly<Record<string, unknown>>): Values<Settings> =>
  Object.fromEntries(
    Object.entries(policy.settings ?? {}).map(([name, { default: value }]) => [name, given[name] ?? value]),
  ) as Values<Settings>;

/** One line for a violation: where, and the way out. Never a value: it may be a secret. */
export function violationOf({ remediation }: Policy, at: readonly string[]): string {
  return at.length === 0 ? remediation : `${at.join(', ')}: ${remediation}`;
}
