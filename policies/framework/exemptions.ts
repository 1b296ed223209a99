import { no, yes } from './answer.ts';
import { type Finding, type Policy, stackPolicy } from './policy.ts';

/** A decision of a person that one policy does not hold for some resources, until a day. */
export type Exemption = {
  readonly policy: string;
  /** URNs, `*` for any characters. */
  readonly resource: string;
  readonly reason: string;
  readonly owner: string;
  /** Last day on which it holds, as 2027-01-31 (UTC). */
  readonly expires: string;
};

const fields = ['policy', 'resource', 'reason', 'owner', 'expires'] as const;

/** @throws Error naming every exemption that is not whole: an exemption that nobody owns is none. */
export function readExemptions(value: unknown): readonly Exemption[] {
  if (!Array.isArray(value)) throw new Error('policies:exemptions is not a list of exemptions');
  const problems = value.flatMap((each: unknown, index) => {
    const record = (typeof each === 'object' && each !== null ? each : {}) as Record<string, unknown>;
    const missing = fields.filter((field) => typeof record[field] !== 'string' || record[field] === '');
    const strange = Object.keys(record).filter((field) => !fields.some((known) => known === field));
    const day = String(record['expires']);
    return [
      ...missing.map((field) => `exemption ${index} has no ${field}`),
      ...strange.map((field) => `exemption ${index} has ${field}; known are ${fields.join(', ')}`),
      ...(missing.includes('expires') || isDay(day)
        ? []
        : [`exemption ${index}: expires is not a day like 2027-01-31`]),
      ...(record['resource'] === '*'
        ? [`exemption ${index}: resource * is everything; switch the policy off instead`]
        : []),
    ];
  });
  if (problems.length > 0) throw new Error(`policies:exemptions: ${problems.join('; ')}`);
  return value as readonly Exemption[];
}

const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);

/** Which violations are exempt today, and which exemptions did nothing in this run. */
export class Exemptions {
  readonly #all: readonly Exemption[];
  readonly #today: string;
  readonly #used = new Set<Exemption>();

  constructor(all: readonly Exemption[], now: Date) {
    this.#all = all;
    this.#today = now.toISOString().slice(0, 10);
  }

  /** Asked for each violation; an exemption that covers one counts as used, in time or not. */
  covers(policy: string, urn: string | null): boolean {
    const found = this.#all.filter((each) => each.policy === policy && matches(each.resource, urn ?? ''));
    for (const each of found) this.#used.add(each);
    return found.some((each) => this.#today <= each.expires);
  }

  /** Whether it is broken is not known yet: in a preview the exemption may be needed, so that it does not count as unused. */
  undecided(policy: string, urn: string | null): void {
    for (const each of this.#all)
      if (each.policy === policy && (urn === null || matches(each.resource, urn))) this.#used.add(each);
  }

  /** @param known ids of the pack: an exemption of another pack's policy is that pack's business. */
  problems(known: ReadonlySet<string>): readonly string[] {
    return this.#all
      .filter(({ policy }) => known.has(policy))
      .flatMap((each) => {
        const called = `exemption of ${each.policy} for ${each.resource} (owner ${each.owner})`;
        if (this.#today > each.expires) return [`${called} expired on ${each.expires}`];
        return this.#used.has(each) ? [] : [`${called} is not used: no such violation is left`];
      });
  }
}

const matches = (pattern: string, urn: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(urn);

/** Comes last in each pack: by then every violation has asked for its exemption. */
export function exemptionsPolicy(pack: string, policies: readonly Policy[], exemptions: Exemptions): Policy {
  const known = new Set(policies.map(({ id }) => id));
  return stackPolicy({
    id: `${pack}-exemptions-valid`,
    description: 'Each exemption is still needed and has not expired, so that none outlives its reason.',
    severity: 'medium',
    level: 'mandatory',
    remediation: 'Remove the exemption from policies:exemptions, or have its owner decide on a new date.',
    url: 'https://www.pulumi.com/docs/iac/using-pulumi/crossguard/',
    references: {},
    judge: function* (): Iterable<Finding> {
      const problems = exemptions.problems(known);
      yield { urn: null, answer: problems.length === 0 ? yes : no(...problems) };
    },
  });
}
