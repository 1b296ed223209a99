import { type Answer, all, unknown } from '../framework/answer.ts';
import { Reading } from '../framework/reader.ts';

/** Every resource that grants a role: 474 types of the provider, in the two spellings that its names have. */
export const grantTypes = /^gcp:\w+\/\w*IAM(Member|Binding|Policy):\w+$/i;
/** Grants on a whole project, and on what is above it. */
export const projectGrantTypes = /^gcp:(projects|folder|organizations)\/iAM(Member|Binding|Policy):\w+$/;

/** One role to one member. */
export type Grant = { readonly role: Reading; readonly member: Reading; readonly condition: Reading };

/**
 * Asks about each grant of a resource: one of a `Member`, each member of a `Binding`, each pair in the JSON of a `Policy`.
 * What is unknown as a whole is asked about once, as unknown.
 */
export function everyGrant(at: (path: string) => Reading, right: (grant: Grant) => Answer): Answer {
  const policy = at('policyData');
  if (policy.state === 'absent') return all(grantsIn(at('role'), at, right));
  if (policy.state === 'unknown') return right({ role: policy, member: policy, condition: policy });
  const bindings = parsed(policy);
  if (bindings === null) return unknown(policy.path);
  return all(bindings.flatMap((binding) => grantsIn(binding.at('role'), (path) => binding.at(path), right)));
}

function grantsIn(role: Reading, at: (path: string) => Reading, right: (grant: Grant) => Answer): readonly Answer[] {
  const members = at('members');
  const condition = at('condition');
  if (members.state !== 'known') {
    const member = members.state === 'unknown' ? members : at('member');
    return [right({ role, member, condition })];
  }
  return members.items().map((member) => right({ role, member, condition }));
}

/** `{"bindings":[{"role":…,"members":[…]}]}`; null for what is no such document. */
function parsed(policy: Reading): readonly Reading[] | null {
  try {
    const document: unknown = JSON.parse(String(policy.value));
    return new Reading(policy.path, document).at('bindings').items();
  } catch {
    // The API refuses it: nothing that a policy has to say again.
    return null;
  }
}

/** A program, not a person: a service account, or a workload of another cloud or cluster by federation. */
export const isProgram = (member: Reading): Answer => member.matches(/^(serviceAccount|principal|principalSet):/);

/** A service account that Google made for a product and runs itself. https://cloud.google.com/iam/docs/service-agents */
export const isServiceAgent = (member: Reading): Answer =>
  member.matches(
    /^serviceAccount:(service-\d+@[a-z0-9-]+(\.iam)?\.gserviceaccount\.com|\d+@cloudservices\.gserviceaccount\.com)$/,
  );

/** A condition that holds for named resources only. https://cloud.google.com/iam/docs/conditions-attribute-reference */
export const isNarrowed = (condition: Reading): Answer => condition.at('expression').matches(/\bresource\.name\b/);
