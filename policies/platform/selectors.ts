import { type Answer, all, any, unknown, when, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import { named, same, some } from '../framework/relations.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { kindOf, podOf, sameNamespace, selects, workloadTypes } from './relations.ts';

/**
 * Kubernetes accepts an object that points at nothing and says so nowhere: a Service without endpoints, a budget that
 * protects nobody, an autoscaler that scales nothing.
 */
const pointsAtSomething = stackPolicy({
  id: 'stack-service-selects-pods',
  description:
    'What points at workloads by labels or name finds one in its namespace: Services with the ports they name, disruption budgets and autoscalers.',
  severity: 'medium',
  level: 'mandatory',
  remediation:
    'Take selector and target from the labels and the name of the workload in code, and name a port that one of its containers has.',
  url: 'https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors',
  references: {},
  judge: function* (stack): Iterable<Finding> {
    for (const service of stack.ofType(kindOf('Service')))
      if (service.at('spec.selector').isFilled().is === 'yes')
        yield { urn: service.urn, answer: served(stack, service) };
    for (const budget of stack.ofType(kindOf('PodDisruptionBudget')))
      yield {
        urn: budget.urn,
        answer: named(
          some(stack.ofType(...workloadTypes), (each) => reaches(budget, 'spec.selector.matchLabels', each)),
          'spec.selector reaches no workload',
        ),
      };
    for (const scaler of stack.ofType(kindOf('HorizontalPodAutoscaler')))
      yield {
        urn: scaler.urn,
        answer: named(
          some(stack.ofType(...workloadTypes), (each) => scales(scaler, each)),
          'spec.scaleTargetRef names no workload',
        ),
      };
  },
});

const reaches = (object: Resource, selector: string, workload: Resource): Answer =>
  all([
    object.at(selector).isFilled(),
    sameNamespace(object, workload),
    selects(object.at(selector), podOf(workload).labels),
  ]);

const scales = (scaler: Resource, workload: Resource): Answer =>
  all([
    scaler.at('spec.scaleTargetRef.kind').is(workload.type.split(':').at(-1)),
    same(scaler.at('spec.scaleTargetRef.name'), workload.at('metadata.name')),
    sameNamespace(scaler, workload),
  ]);

function served(stack: Stack, service: Resource): Answer {
  const reached = stack
    .ofType(...workloadTypes)
    .map((workload) => ({ workload, is: reaches(service, 'spec.selector', workload) }))
    .filter(({ is }) => is.is !== 'no');
  return all([
    named(any(reached.map(({ is }) => is)), 'spec.selector reaches no workload'),
    ...reached.map(({ workload, is }) =>
      when(is, () => service.at('spec.ports').every((port) => hasPort(workload, port.at('targetPort')))),
    ),
  ]);
}

/** A number needs no declaration; a name has to be one of a container's. */
function hasPort(workload: Resource, target: Reading): Answer {
  if (target.state === 'unknown') return unknown(target.path);
  if (typeof target.value !== 'string') return yes;
  const { spec } = podOf(workload);
  const containers = [...spec.at('containers').items(), ...spec.at('initContainers').items()];
  return named(
    any(containers.map((container) => container.at('ports').some((port) => port.at('name').is(target.value)))),
    `${target.path} is no port of ${workload.name}`,
  );
}

export const selectorPolicies: readonly Policy[] = [pointsAtSomething];
