import { type Answer, all, any, no, not, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, same, some } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { inNamespace } from './namespaces.ts';
import { kindOf, podOf, sameNamespace, selects } from './relations.ts';

const replicated = [/^kubernetes:apps\/[^:]+:(Deployment|StatefulSet)$/];

/** How many pods there are, may be, and stay. */
export const capacityPolicies: readonly Policy[] = [
  stackPolicy({
    id: 'stack-namespace-has-quota',
    description: 'A namespace has a ceiling, and its containers a default: one loop does not take the whole cluster.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Add a ResourceQuota with requests and limits, and a LimitRange with defaults, to the namespace.',
    url: 'https://kubernetes.io/docs/concepts/policy/resource-quotas/',
    references: { trivy: ['KSV-0039', 'KSV-0040'] },
    judge: (stack) =>
      stack.ofType(kindOf('Namespace')).map((namespace): Finding => {
        const has = (kind: string, right: (object: Resource) => Answer) =>
          named(
            some(stack.ofType(kindOf(kind)), (each) => all([inNamespace(each, namespace), right(each)])),
            `no ${kind}`,
          );
        return {
          urn: namespace.urn,
          answer: all([
            has('ResourceQuota', (quota) => quota.at('spec.hard').isFilled()),
            has('LimitRange', (range) => range.at('spec.limits').isFilled()),
          ]),
        };
      }),
  }),
  stackPolicy({
    id: 'stack-deployment-has-pdb',
    description:
      'A drain of nodes takes one pod after the other: each replicated workload has one disruption budget, and one that lets a drain go on.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Add one PodDisruptionBudget whose selector matches the pods, with maxUnavailable 1 or more.',
    url: 'https://kubernetes.io/docs/tasks/run-application/configure-pdb/',
    references: {},
    judge: (stack) =>
      stack.ofType(...replicated).map(
        (workload): Finding => ({
          urn: workload.urn,
          answer: when(atLeastTwo(stack, workload), () => budgeted(stack, workload)),
        }),
      ),
  }),
  stackPolicy({
    id: 'stack-hpa-consistent',
    description:
      'An autoscaler can do its work: what it scales asks for what it measures, its bounds are in order, and no fixed number of replicas resets it.',
    severity: 'low',
    level: 'advisory',
    remediation:
      'Leave replicas out of the workload, set requests on its containers, and minReplicas below maxReplicas.',
    url: 'https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/',
    references: {},
    judge: (stack) =>
      stack.ofType(kindOf('HorizontalPodAutoscaler')).map((scaler): Finding => {
        const targets = stack
          .ofType(...replicated)
          .map((workload) => ({ workload, is: scales(scaler, workload) }))
          .filter(({ is }) => is.is !== 'no');
        const [least, most] = [scaler.at('spec.minReplicas').orElse(1), scaler.at('spec.maxReplicas')];
        return {
          urn: scaler.urn,
          answer: all([
            least.state === 'known' ? most.atLeast(Number(least.value)) : least.exists(),
            ...targets.map(({ workload, is }) =>
              when(is, () =>
                all([
                  named(workload.at('spec.replicas').isAbsent(), `${workload.name}.spec.replicas`),
                  podOf(workload)
                    .spec.at('containers')
                    .every((container) => container.at('resources.requests.cpu').exists()),
                ]),
              ),
            ),
          ]),
        };
      }),
  }),
];

const scales = (scaler: Resource, workload: Resource): Answer =>
  all([
    same(scaler.at('spec.scaleTargetRef.name'), workload.at('metadata.name')),
    scaler.at('spec.scaleTargetRef.kind').is(workload.type.split(':').at(-1)),
    sameNamespace(scaler, workload),
  ]);

/** By its own number, or the least of its autoscaler. */
function atLeastTwo(stack: Stack, workload: Resource): Answer {
  const scaled = stack
    .ofType(kindOf('HorizontalPodAutoscaler'))
    .map((scaler) => all([scales(scaler, workload), scaler.at('spec.minReplicas').orElse(1).atLeast(2)]));
  return any([workload.at('spec.replicas').orElse(1).atLeast(2), ...scaled]);
}

/** Exactly one: the API refuses evictions of a pod with two. */
function budgeted(stack: Stack, workload: Resource): Answer {
  const budgets = stack.ofType(kindOf('PodDisruptionBudget')).map((budget) => ({
    budget,
    is: all([
      budget.at('spec.selector.matchLabels').isFilled(),
      sameNamespace(budget, workload),
      selects(budget.at('spec.selector.matchLabels'), podOf(workload).labels),
    ]),
  }));
  const own = budgets.filter(({ is }) => is.is !== 'no');
  if (own.length === 0) return no('no PodDisruptionBudget');
  if (own.filter(({ is }) => is.is === 'yes').length > 1) return no('more than one PodDisruptionBudget');
  return any(own.map(({ budget, is }) => all([is, letsDrain(budget)])));
}

const letsDrain = (budget: Resource): Answer => {
  const [unavailable, available] = [budget.at('spec.maxUnavailable'), budget.at('spec.minAvailable')];
  const none = (reading: Reading, ...values: unknown[]) => not(reading.is(...values), `${budget.name}.${reading.path}`);
  if (unavailable.state !== 'absent') return none(unavailable, 0, '0', '0%');
  return available.state === 'absent' ? no(`${budget.name}.spec`) : all([none(available, '100%'), yes]);
};
