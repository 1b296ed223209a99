import { type Answer, no, unknown, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Stack } from '../framework/stack.ts';
import { everyGrant, grantTypes } from './grants.ts';

/** Two rights that together are more than their sum, and so never in one hand. */
export const dutiesPolicies: readonly Policy[] = [
  stackPolicy({
    id: 'iam-separation-of-duties-sa',
    description:
      'Nobody both makes service accounts and acts as them: that is any permission which an account can be given.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Grant the two roles to different members.',
    url: 'https://cloud.google.com/iam/docs/service-account-permissions#separation-of-duties',
    references: { 'cis-gcp-4': ['1.8'], 'cis-gcp-5': ['1.9'] },
    judge: (stack) =>
      inOneHand(stack, /^roles\/iam\.serviceAccountAdmin$/, /^roles\/iam\.serviceAccount(User|TokenCreator)$/),
  }),
  stackPolicy({
    id: 'iam-separation-of-duties-kms',
    description:
      'Who administers keys does not use them: one person alone could read everything and leave no key behind.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Grant roles/cloudkms.admin to people who hold no role that encrypts, decrypts or signs.',
    url: 'https://cloud.google.com/kms/docs/separation-of-duties',
    references: { 'cis-gcp-4': ['1.11'], 'cis-gcp-5': ['1.12'] },
    judge: (stack) =>
      inOneHand(stack, /^roles\/cloudkms\.admin$/, /^roles\/cloudkms\.(cryptoKey|signer|cryptoOperator|rawEncrypter)/),
  }),
];

/** Finds each grant of the first kind whose member has one of the second, of what the stack itself grants. */
function inOneHand(stack: Stack, first: RegExp, second: RegExp): readonly Finding[] {
  const holders = stack.ofType(grantTypes).map((grant) => ({ urn: grant.urn, at: grant.at }));
  const seconds = new Set<unknown>();
  const unnamed: string[] = [];
  for (const { at } of holders)
    everyGrant(at, ({ role, member }) => {
      if (role.matches(second).is === 'yes') {
        if (member.state === 'known') seconds.add(member.value);
        else unnamed.push(member.path);
      }
      return yes;
    });
  return holders.map(({ urn, at }) => ({
    urn,
    answer: everyGrant(at, ({ role, member }): Answer => {
      if (role.matches(first).is !== 'yes') return yes;
      if (member.state === 'known' && seconds.has(member.value)) return no(member.path);
      // Whose grant it is will be seen later: it may be the same.
      const open = member.state === 'unknown' && seconds.size > 0 ? [member.path] : unnamed;
      return open.length > 0 ? unknown(...open) : yes;
    }),
  }));
}
