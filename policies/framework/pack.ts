import {
  type EnforcementLevel,
  PolicyPack,
  type PolicyResource,
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
  UnknownValueError,
} from '@pulumi/policy';
import { Exemptions, exemptionsPolicy } from './exemptions.ts';
import { judgeResource, judgeStack, subjectOf, type Verdict } from './judge.ts';
import { type Policy, type ResourcePolicy, type StackPolicy, violationOf } from './policy.ts';
import { unknownText } from './reader.ts';
import { type RawResource, stackOf } from './stack.ts';
import { defaultTier, readStart, type Start, tierOf } from './start.ts';

export type Pack = { readonly name: string; readonly description: string; readonly policies: readonly Policy[] };

/** The whole of a pack's `pack.ts`: reads the stack's settings and serves the policies to the engine. */
export function servePack(pack: Pack, env: NodeJS.ProcessEnv = process.env): void {
  new PolicyPack(pack.name, {
    description: pack.description,
    policies: hosted(pack, readStart(env), new Date()),
  });
}

/** A pack's policies in the shape of Pulumi's policy host. */
export function hosted(
  { name, policies }: Pack,
  start: Start,
  now: Date,
): (ResourceValidationPolicy | StackValidationPolicy)[] {
  const exemptions = new Exemptions(start.exemptions, now);
  const host: Host = { start, now, exemptions };
  return [...policies, exemptionsPolicy(name, policies, exemptions)].map((policy) =>
    policy.kind === 'stack' ? stackHosted(policy, host) : resourceHosted(policy, host),
  );
}

type Host = { readonly start: Start; readonly now: Date; readonly exemptions: Exemptions };

/** A policy of other tiers advises here, or is silent. */
export const levelIn = ({ level, tiers, elsewhere }: Policy, tier: string): EnforcementLevel =>
  tiers === undefined || tiers.includes(tier) ? level : (elsewhere ?? 'advisory');

function resourceHosted(policy: ResourcePolicy, host: Host): ResourceValidationPolicy {
  const { remedy, types } = policy;
  const validateResource = fast(types, (args: ResourceValidationArgs, report: Report) => {
    const verdict = judgeResource(policy, rawOf(args), args.getConfig());
    if (verdict === null) return args.notApplicable(`${policy.id} does not speak about ${args.type}`);
    if (verdict.undecided.length > 0) host.exemptions.undecided(policy.id, args.urn);
    tell(policy, verdict, host, tierOf(host.start, args.stackTags), report);
  });
  if (remedy === undefined) return { ...shared(policy, host), validateResource };
  return {
    ...shared(policy, host),
    validateResource,
    remediateResource: fast(types, (args: ResourceValidationArgs) => {
      const raw = rawOf(args);
      const broken = judgeResource(policy, raw, args.getConfig());
      if (broken === null || broken.violations.length === 0) return undefined;
      // An exemption stands for a decision: what it covers is not changed behind it.
      if (host.exemptions.covers(policy.id, raw.urn)) return undefined;
      for (const [path, value] of Object.entries(remedy(subjectOf(policy, raw, args.getConfig()))))
        set(args.props, path.split('.'), value);
      return args.props;
    }),
  };
}

function stackHosted(policy: StackPolicy, host: Host): StackValidationPolicy {
  return {
    ...shared(policy, host),
    validateStack: ({ resources, stackTags, getConfig }, report) => {
      const tier = tierOf(host.start, stackTags);
      const stack = stackOf(resources.map(rawOf), { tier, now: host.now });
      const verdict = judgeStack(policy, stack, getConfig());
      if (verdict.undecided.length > 0) host.exemptions.undecided(policy.id, null);
      tell(policy, verdict, host, tier, report);
    },
  };
}

type Report = (message: string, urn?: string) => void;

/**
 * Violations first. Then what nobody can tell yet, as the host's own "can't run during preview", which is an advisory
 * whatever the policy's level: the only way that the host leaves for one.
 */
function tell(policy: Policy, { violations, undecided }: Verdict, host: Host, tier: string, report: Report): void {
  const level = tagged(policy, host.start, tier);
  const left = violations.filter(({ urn }) => !host.exemptions.covers(policy.id, urn));
  if (level === null) for (const { urn, at } of left) report(violationOf(policy, at), urn ?? undefined);
  if (level === 'disabled') return;
  const advised =
    level === null
      ? []
      : left.map(({ urn, at }) => `${urn?.split('::').at(-1) ?? 'the stack'}: ${violationOf(policy, at)}`);
  if (advised.length > 0) throw advice(`it advises in tier ${tier}, which is the stack's tag: ${advised.join('; ')}`);
  if (undecided.length > 0) throw advice(`not known before the update: ${undecided.slice(0, 5).join(', ')}`);
}

/**
 * The level that a tag of the stack lowers a policy to, or null. The host asks for levels before it hands out tags, so
 * that a policy whose level a tag lowers is served at its higher one, and advises in the way of `tell`.
 */
function tagged(policy: Policy, start: Start, tier: string): EnforcementLevel | null {
  const level = levelIn(policy, tier);
  return level === levelIn(policy, start.tier ?? defaultTier) ? null : level;
}

/** What the host turns into one advisory, with our words in place of its own. */
const advice = (message: string): UnknownValueError =>
  Object.assign(new UnknownValueError(unknownText, []), { message });

function shared(policy: Policy, { start }: Host) {
  const { id, severity, description, remediation, url, references, settings = {} } = policy;
  const cis = Object.entries({ 'cis-gcp-5': 'GCP 5.0.0', 'cis-gke': 'GKE 1.9.0' }).flatMap(([key, version]) =>
    (references[key as 'cis-gke'] ?? []).map((reference) => ({
      name: 'CIS',
      version,
      reference,
      specification: `CIS ${version} ${reference}`,
    })),
  )[0];
  return {
    name: id,
    displayName: id,
    severity,
    description,
    remediationSteps: remediation,
    url,
    enforcementLevel: levelIn(policy, start.tier ?? defaultTier),
    tags: tagsOf(policy),
    ...(cis === undefined ? {} : { framework: cis }),
    configSchema: {
      properties: Object.fromEntries(
        Object.entries(settings).map(([name, { default: value, description: says }]) => [
          name,
          { ...typed(value), description: says, default: value as string },
        ]),
      ),
    },
  };
}

/** `checkov:CKV_GCP_6`, `cis-gcp-5:6.4`, …: what a report groups by. */
export const tagsOf = ({ references }: Policy): string[] =>
  Object.entries(references).flatMap(([source, numbers]) => numbers.map((number) => `${source}:${number}`));

function typed(value: unknown) {
  if (Array.isArray(value)) return { type: 'array' as const, items: { type: 'string' as const } };
  return { type: typeof value as 'string' | 'number' | 'boolean' };
}

/** The host skips a function marked with another type without unpacking the resource; its own helpers set the mark. */
function fast<F extends (...args: never[]) => unknown>(types: ResourcePolicy['types'], check: F): F {
  if (!(types instanceof RegExp) && types.length === 1) Object.assign(check, { __pulumiType: types[0] });
  return check;
}

function rawOf(given: ResourceValidationArgs | PolicyResource): RawResource {
  const { type, name, urn, props, opts } = given;
  const unread = Object.keys(props).length === 0;
  const raw = { type, name, urn, props, unread, protect: opts.protect };
  if (!('dependencies' in given)) return raw;
  return {
    ...raw,
    parent: given.parent?.urn ?? null,
    dependencies: given.dependencies.map((each) => each.urn),
    propertyDependencies: Object.fromEntries(
      Object.entries(given.propertyDependencies).map(([property, from]) => [property, from.map((each) => each.urn)]),
    ),
  };
}

function set(target: Record<string, unknown>, [first = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) target[first] = value;
  else {
    target[first] ??= {};
    set(target[first] as Record<string, unknown>, rest, value);
  }
}
