import { type Answer, all, any, no, not, unknown, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, some } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { hasMember, kindOf, namespaceOf } from './relations.ts';

const accountType = 'gcp:serviceaccount/account:Account';
const impersonations = /^gcp:serviceaccount\/iAM(Member|Binding):/;
const grants = /^gcp:(?!serviceaccount\/).*IAM(Member|Binding):/i;
const annotation = 'iam.gke.io/gcp-service-account';

const annotated = (stack: Stack): readonly Resource[] =>
  stack.ofType(kindOf('ServiceAccount')).filter((each) => emailOf(each).state !== 'absent');
const emailOf = (account: Resource): Reading => account.at('metadata.annotations').key(annotation);

/**
 * A pod acts as a Google service account through three links, each in another product. One that is missing shows as a
 * 403 at run time; one that is too wide lets another pod act as it.
 */
const workloadIdentityChain = stackPolicy({
  id: 'stack-workload-identity-chain',
  description:
    'A Kubernetes service account that acts as a Google one does so through a whole and exact chain: the Google account is declared here, exactly this namespace and name may impersonate it, and it holds a right on something.',
  severity: 'high',
  level: 'mandatory',
  remediation:
    'Declare the Google account, grant roles/iam.workloadIdentityUser on it to serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME] and nobody else, and grant the account what its workload needs on each resource.',
  url: 'https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity',
  references: { 'cis-gke': ['5.2.2'] },
  judge: (stack) => annotated(stack).map((each): Finding => ({ urn: each.urn, answer: chain(stack, each) })),
});

function chain(stack: Stack, kubernetes: Resource): Answer {
  const email = emailOf(kubernetes);
  const accounts = stack.ofType(accountType).map((account) => ({ account, is: isAccount(kubernetes, account) }));
  const account = accounts.find(({ is }) => is.is === 'yes')?.account;
  if (account === undefined)
    return named(any(accounts.map(({ is }) => is)), `${email.path} names no account of this stack`);
  const users = stack.ofType(impersonations).filter((grant) => onAccount(grant, account, email).is !== 'no');
  const exactly = memberOf(kubernetes);
  return all([
    named(
      some(users, (grant) =>
        all([
          onAccount(grant, account, email),
          grant.at('role').is('roles/iam.workloadIdentityUser'),
          hasMember(grant, exactly),
        ]),
      ),
      `${email.path} may not be impersonated from this namespace and name`,
    ),
    named(
      some(stack.ofType(grants), (grant) => toAccount(grant, account, email)),
      `${email.path} has no right on anything`,
    ),
  ]);
}

/** Its address is `ACCOUNT_ID@PROJECT.iam.gserviceaccount.com`, known before Google answers. */
function isAccount(kubernetes: Resource, account: Resource): Answer {
  const email = emailOf(kubernetes);
  if (email.state === 'unknown') {
    const sources = kubernetes.sourcesOf('metadata').filter(({ type }) => type === accountType);
    if (sources.length === 0) return unknown(email.path);
    return sources.some(({ urn }) => urn === account.urn) ? yes : no(email.path);
  }
  const [id, project] = [account.at('accountId'), account.at('project')];
  if (id.state === 'unknown') return unknown(`${account.name}.accountId`);
  return all([
    email.test((text) => String(text).split('@')[0] === id.value),
    project.state === 'known'
      ? email.test((text) => String(text).endsWith(`@${String(project.value)}.iam.gserviceaccount.com`))
      : yes,
  ]);
}

function onAccount(grant: Resource, account: Resource, email: Reading): Answer {
  const sources = grant.sourcesOf('serviceAccountId').filter(({ type }) => type === accountType);
  if (sources.length > 0) return sources.some(({ urn }) => urn === account.urn) ? yes : no('serviceAccountId');
  if (email.state !== 'known') return unknown(email.path);
  return grant.at('serviceAccountId').test((text) => String(text).endsWith(`/${String(email.value)}`));
}

function toAccount(grant: Resource, account: Resource, email: Reading): Answer {
  const sources = [...grant.sourcesOf('member'), ...grant.sourcesOf('members')];
  if (sources.some(({ urn }) => urn === account.urn)) return yes;
  if (email.state !== 'known') return unknown(email.path);
  return hasMember(grant, (member) => member.is(`serviceAccount:${String(email.value)}`));
}

function memberOf(kubernetes: Resource): (member: Reading) => Answer {
  const [namespace, name] = [namespaceOf(kubernetes), kubernetes.at('metadata.name')];
  return (member) => {
    if (namespace.state !== 'known') return unknown(namespace.path);
    // A name that the engine makes up is not known before it exists.
    if (name.state !== 'known') return unknown(name.path);
    const suffix = `.svc.id.goog[${String(namespace.value)}/${String(name.value)}]`;
    return member.test(
      (text) => typeof text === 'string' && text.startsWith('serviceAccount:') && text.endsWith(suffix),
    );
  };
}

const oneAccountPerWorkload = stackPolicy({
  id: 'stack-workload-identity-not-shared',
  description:
    'No two Kubernetes service accounts act as the same Google account: what one workload may do, no other can.',
  severity: 'high',
  level: 'mandatory',
  remediation: 'Give each workload a Google service account of its own, with only the rights that it needs.',
  url: 'https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity',
  references: { 'cis-gke': ['5.2.2'] },
  judge: function* (stack) {
    const all = annotated(stack);
    for (const [index, each] of all.entries()) {
      const others = all.filter((_, other) => other !== index);
      yield {
        urn: each.urn,
        answer: named(not(some(others, (other) => sameAccount(each, other))), emailOf(each).path),
      };
    }
  },
});

function sameAccount(a: Resource, b: Resource): Answer {
  const [here, there] = [emailOf(a), emailOf(b)];
  if (here.state === 'known') return there.is(here.value);
  const sources = a.sourcesOf('metadata').filter(({ type }) => type === accountType);
  const others = b.sourcesOf('metadata').filter(({ type }) => type === accountType);
  if (sources.length === 0 || others.length === 0) return unknown(here.path);
  return sources.some(({ urn }) => others.some((other) => other.urn === urn)) ? yes : no(here.path);
}

export const identityPolicies: readonly Policy[] = [workloadIdentityChain, oneAccountPerWorkload];
