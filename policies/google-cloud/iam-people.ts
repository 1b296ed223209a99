import { type Answer, all, any, not, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { some } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { accountPaths } from './gke-pools.ts';
import { everyGrant, grantTypes } from './grants.ts';

const account = 'gcp:serviceaccount/account:Account';
const person = /^(user|group|domain):/;
/** Roles that look and do not touch. */
const reading = /(viewer|reader|accessor|auditor|browser|publicKeyViewer)$/i;

/** Which people hold roles, for how long, and which accounts nobody uses. */
export const iamPeoplePolicies: readonly Policy[] = [
  stackPolicy({
    id: 'iam-member-domains',
    description: 'People who hold a role belong to the organisation: to its domains, or all to one.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Grant the role to a group of your own domain, or list the other domain in the setting domains.',
    url: 'https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains',
    references: { 'cis-gcp-4': ['1.1'], 'cis-gcp-5': ['1.2'] },
    settings: {
      domains: {
        default: [],
        description: 'Domains of the organisation, as example.com; empty: whichever one, but one.',
      },
    },
    judge: (stack, { domains }) => {
      const seen = new Set<string>();
      for (const grant of stack.ofType(grantTypes))
        everyGrant(grant.at, ({ member }) => {
          if (member.matches(person).is === 'yes') seen.add(domainOf(member.value));
          return yes;
        });
      const allowed = domains.length > 0 ? domains : seen.size === 1 ? [...seen] : [];
      return stack.ofType(grantTypes).map(
        (grant): Finding => ({
          urn: grant.urn,
          answer: everyGrant(grant.at, ({ member }) =>
            when(member.matches(person), () => member.test((text) => allowed.includes(domainOf(text)))),
          ),
        }),
      );
    },
  }),
  resourcePolicy({
    id: 'iam-human-grants-expire',
    description: 'A person changes production for a time, not for ever: the grant ends by itself.',
    severity: 'low',
    level: 'advisory',
    tiers: ['prod'],
    remediation: 'Add a condition on request.time, or grant a role that only reads.',
    url: 'https://cloud.google.com/iam/docs/configuring-temporary-access',
    references: {},
    types: grantTypes,
    judge: ({ at }) =>
      everyGrant(at, ({ role, member, condition }) =>
        when(all([member.matches(/^(user|group):/), not(role.matches(reading), role.path)]), () =>
          condition.at('expression').matches(/\brequest\.time\b/),
        ),
      ),
  }),
  stackPolicy({
    id: 'iam-no-orphan-service-account',
    description:
      'An account exists for something: it holds a role, and something may act as it. Others are forgotten doors.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Grant it what it is for and let one workload use it, or remove it.',
    url: 'https://cloud.google.com/iam/docs/best-practices-service-accounts',
    references: {},
    judge: (stack) =>
      stack
        .ofType(account)
        .map((each): Finding => ({ urn: each.urn, answer: all([holds(stack, each), used(stack, each)]) })),
  }),
];

const domainOf = (member: unknown): string => String(member).split(/[@:]/).at(-1)?.toLowerCase() ?? '';

/** Its address begins with the account's id; the rest is the project's. */
const isAddress = (text: unknown, id: Reading): boolean =>
  String(text).split(/[:/]/).at(-1)?.split('@')[0] === id.value;

function holds(stack: Stack, each: Resource): Answer {
  const id = each.at('accountId');
  return some(
    stack.ofType(grantTypes).filter(({ type }) => !type.startsWith('gcp:serviceaccount/')),
    (grant) => {
      const sources = [...grant.sourcesOf('member'), ...grant.sourcesOf('members')];
      if (sources.some(({ urn }) => urn === each.urn)) return yes;
      if (id.state !== 'known') return id.exists();
      return not(
        everyGrant(grant.at, ({ member }) =>
          not(
            member.matches(/^serviceAccount:/).is === 'no'
              ? { is: 'no', at: [] }
              : member.test((text) => isAddress(text, id)),
            member.path,
          ),
        ),
        'no role',
      );
    },
  );
}

/** It is impersonated, or runs something. */
function used(stack: Stack, each: Resource): Answer {
  if (stack.dependentsOf(each).some(({ type }) => !grantTypes.test(type) || type.startsWith('gcp:serviceaccount/')))
    return yes;
  const id = each.at('accountId');
  const named = (place: Reading): Answer =>
    id.state === 'known' ? place.test((text) => isAddress(text, id)) : id.exists();
  return any([
    ...stack
      .ofType(/^gcp:serviceaccount\/iAM(Member|Binding|Policy):/)
      .map((grant) => named(grant.at('serviceAccountId'))),
    // Machines of a cluster run as it.
    ...stack.ofType(/^gcp:container\/(cluster|nodePool):/).flatMap((nodes) => accountPaths.map(nodes.at).map(named)),
  ]);
}
