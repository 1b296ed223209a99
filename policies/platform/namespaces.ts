import { type Answer, all, any, no, when } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, some } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { kindOf, namespaceOf, podOf, sameNamespace, selects, workloadTypes } from './relations.ts';

const policyKind = kindOf('NetworkPolicy');

/**
 * Pods that no policy selects may talk to everybody. So a namespace starts with a policy that selects all and allows
 * nothing, for both directions. https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies
 */
const defaultDeny = stackPolicy({
  id: 'stack-namespace-has-default-deny',
  description:
    'Each namespace has a NetworkPolicy that selects every pod and allows nothing, inwards and outwards: what is not named is refused.',
  severity: 'high',
  level: 'mandatory',
  remediation:
    'Add a NetworkPolicy with podSelector: {}, policyTypes: [Ingress, Egress] and no rules to the namespace, and allow each connection by name.',
  url: 'https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic',
  references: { 'cis-gke': ['4.3.2'], checkov: ['CKV2_K8S_6'] },
  judge: (stack) =>
    stack.ofType(kindOf('Namespace')).map((namespace): Finding => {
      const inside = stack.ofType(policyKind).filter((each) => inNamespace(each, namespace).is !== 'no');
      const denies = (direction: 'Ingress' | 'Egress') =>
        named(
          some(inside, (each) => all([inNamespace(each, namespace), deniesAll(each, direction)])),
          `no NetworkPolicy denies all ${direction.toLowerCase()}`,
        );
      return { urn: namespace.urn, answer: all([denies('Ingress'), denies('Egress')]) };
    }),
});

/** Objects name their namespace, or take the name from it. */
export function inNamespace(object: Resource, namespace: Resource): Answer {
  const [own, name] = [namespaceOf(object), namespace.at('metadata.name')];
  if (own.state === 'known' && name.state === 'known') return own.is(name.value);
  const from = object.sourcesOf('metadata').filter(({ type }) => type === namespace.type);
  if (from.length > 0) return from.some(({ urn }) => urn === namespace.urn) ? own.exists() : no(own.path);
  return any([{ is: 'unknown', at: [own.state === 'unknown' ? own.path : `${namespace.name}.metadata.name`] }]);
}

const deniesAll = (policy: Resource, direction: 'Ingress' | 'Egress'): Answer =>
  all([
    selectsAll(policy.at('spec.podSelector')),
    policy.at('spec.policyTypes').includes(direction),
    // No rule at all; a list with an empty rule would allow everything.
    policy
      .at(`spec.${direction.toLowerCase()}`)
      .orElse([])
      .test((rules) => Array.isArray(rules) && rules.length === 0),
  ]);

const selectsAll = (selector: Reading): Answer =>
  all([
    selector
      .at('matchLabels')
      .orElse({})
      .test((labels) => Object.keys(labels as object).length === 0),
    selector
      .at('matchExpressions')
      .orElse([])
      .test((list) => Array.isArray(list) && list.length === 0),
  ]);

/** The other half: behind a default deny a workload without a policy of its own can reach nobody, not even DNS. */
const workloadsSelected = stackPolicy({
  id: 'stack-workload-has-network-policy',
  description:
    'Each workload is selected by a NetworkPolicy that says what it may reach and who may reach it, names service included: otherwise it is open, or cut off.',
  severity: 'high',
  level: 'mandatory',
  remediation:
    'Add a NetworkPolicy whose podSelector matches the labels of the workload, with its connections, and egress to port 53 of the DNS of the cluster where it resolves names.',
  url: 'https://kubernetes.io/docs/concepts/services-networking/network-policies/',
  references: { 'cis-gke': ['4.3.2'], checkov: ['CKV2_K8S_6'] },
  judge: (stack) =>
    stack
      .ofType(...workloadTypes)
      .map((workload): Finding => ({ urn: workload.urn, answer: selected(stack, workload) })),
});

function selected(stack: Stack, workload: Resource): Answer {
  const policies = stack.ofType(policyKind).map((policy) => ({ policy, selecting: selecting(policy, workload) }));
  const own = policies.filter(({ selecting: { is } }) => is !== 'no');
  return all([
    named(any(policies.map(({ selecting: given }) => given)), 'no NetworkPolicy selects it alone'),
    when(any(own.map(({ selecting: given }) => given)), () =>
      named(
        some(
          own.map(({ policy }) => policy),
          resolvesNames,
        ),
        'no NetworkPolicy of it allows port 53 outwards',
      ),
    ),
  ]);
}

function selecting(policy: Resource, workload: Resource): Answer {
  const labels = policy.at('spec.podSelector.matchLabels');
  return all([labels.isFilled(), sameNamespace(policy, workload), selects(labels, podOf(workload).labels)]);
}

const resolvesNames = (policy: Resource): Answer =>
  policy
    .at('spec.egress')
    .some((rule) =>
      rule.at('ports').state === 'absent'
        ? rule.exists()
        : rule.at('ports').some((port) => port.at('port').is(53, 'dns')),
    );

export const namespacePolicies: readonly Policy[] = [defaultDeny, workloadsSelected];
