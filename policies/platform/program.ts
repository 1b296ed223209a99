import { type Answer, answer, no, yes } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';
import type { Resource, Stack } from '../framework/stack.ts';
import { kindOf, namespaceOf, podOf, workloadTypes } from './relations.ts';

/** How the program is written: providers, names, and what objects point at. */
export const programPolicies: readonly Policy[] = [
  stackPolicy({
    id: 'stack-provider-explicit',
    description: 'Where the program goes is written in it: project and region come from a provider of its own.',
    severity: 'low',
    level: 'advisory',
    remediation:
      'Make a gcp.Provider with project and region and pass it; list gcp in pulumi:disable-default-providers.',
    url: 'https://www.pulumi.com/docs/iac/concepts/resources/providers/#disabling-default-providers',
    references: {},
    judge: (stack) =>
      stack.ofType('pulumi:providers:gcp').map(
        (provider): Finding => ({
          urn: provider.urn,
          answer: /^default(_|$)/.test(provider.name) ? no('the default provider') : provider.at('project').exists(),
        }),
      ),
  }),
  stackPolicy({
    id: 'stack-resource-count',
    description: 'A stack is small enough to be read in a preview, and no two resources of a type have one name.',
    severity: 'low',
    level: 'advisory',
    remediation: 'Split the stack, or raise the setting resources; give the second resource a name of its own.',
    url: 'https://www.pulumi.com/docs/iac/using-pulumi/organizing-projects-stacks/',
    references: {},
    settings: { resources: { default: 1_000, description: 'Most resources of a stack.' } },
    judge: function* (stack, { resources }): Iterable<Finding> {
      const real = stack.ofType(/^(gcp|kubernetes):/);
      yield { urn: null, answer: answer(real.length <= resources, `${real.length} resources`) };
      yield* doubles(real);
    },
  }),
  stackPolicy({
    id: 'stack-no-dangling-refs',
    description: 'A pod starts: the service account, ConfigMaps and claims that it names are in the stack.',
    severity: 'medium',
    level: 'advisory',
    remediation: 'Take the name from the object in code, or list what others make in the setting others.',
    url: 'https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/',
    references: {},
    settings: { others: { default: ['default'], description: 'Names that other stacks or controllers make.' } },
    judge: (stack, { others }) =>
      stack
        .ofType(...workloadTypes)
        .flatMap((workload) =>
          referencesOf(workload).map(
            ({ kind, name }): Finding => ({ urn: workload.urn, answer: found(stack, workload, kind, name, others) }),
          ),
        ),
  }),
];

/** Names that are unique for their type in a project; of objects in a namespace. */
function* doubles(resources: readonly Resource[]): Iterable<Finding> {
  const seen = new Map<string, Resource>();
  for (const resource of resources) {
    const isObject = resource.type.startsWith('kubernetes:');
    const name = resource.at(isObject ? 'metadata.name' : 'name');
    if (typeof name.value !== 'string') continue;
    const place = isObject ? namespaceOf(resource).value : placeOf(resource);
    // Rules of the same name in two policies, zones in two projects: what they are part of tells them apart.
    const key = [resource.type, String(place), name.value].join(' ');
    const other = seen.get(key);
    if (other !== undefined) yield { urn: resource.urn, answer: no(`${name.path}, which ${other.name} has`) };
    seen.set(key, resource);
  }
}

const placeOf = (resource: Resource): string =>
  [
    'project',
    'region',
    'location',
    'zone',
    'instance',
    'managedZone',
    'type',
    'firewallPolicy',
    'parent',
    'map',
    'keyRing',
    'bucket',
    'topic',
    'pool',
  ]
    .map((path) => String(resource.at(path).value ?? resource.sourcesOf(path).map(({ urn }) => urn)))
    .join(' ');

type Reference = { readonly kind: string; readonly name: Reading };

function referencesOf(workload: Resource): readonly Reference[] {
  const { spec } = podOf(workload);
  const volumes = spec.at('volumes').items();
  const containers = [...spec.at('containers').items(), ...spec.at('initContainers').items()];
  return [
    { kind: 'ServiceAccount', name: spec.at('serviceAccountName') },
    ...volumes.map((volume) => ({ kind: 'ConfigMap', name: volume.at('configMap.name') })),
    ...volumes.map((volume) => ({ kind: 'PersistentVolumeClaim', name: volume.at('persistentVolumeClaim.claimName') })),
    ...containers.flatMap((container) => [
      ...container
        .at('envFrom')
        .items()
        .map((each) => ({ kind: 'ConfigMap', name: each.at('configMapRef.name') })),
      ...container
        .at('env')
        .items()
        .map((each) => ({ kind: 'ConfigMap', name: each.at('valueFrom.configMapKeyRef.name') })),
    ]),
  ].filter(({ name }) => name.state !== 'absent');
}

function found(stack: Stack, workload: Resource, kind: string, name: Reading, others: readonly string[]): Answer {
  if (name.state === 'unknown') return name.exists();
  if (others.includes(String(name.value))) return yes;
  const objects = stack.ofType(kindOf(kind));
  const named = objects.some(
    (each) => each.at('metadata.name').value === name.value && namespaceOf(each).value === namespaceOf(workload).value,
  );
  if (named) return yes;
  // A name that the engine makes up is not known before it exists.
  const open = objects.find((each) => each.at('metadata.name').state === 'unknown');
  return open === undefined ? no(`${name.path} names no ${kind} of this stack`) : open.at('metadata.name').exists();
}
