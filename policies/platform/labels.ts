import { all } from '../framework/answer.ts';
import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import { Reading } from '../framework/reader.ts';
import { named } from '../framework/relations.ts';

/** Labels that a provider's default labels do not reach, by type. https://www.pulumi.com/registry/packages/gcp/api-docs/provider/#defaultlabels_nodejs */
const ownLabels: Readonly<Record<string, string>> = {
  'gcp:container/nodePool:NodePool': 'nodeConfig.resourceLabels',
  'gcp:memorystore/instance:Instance': 'labels',
  'gcp:monitoring/alertPolicy:AlertPolicy': 'userLabels',
  'gcp:monitoring/notificationChannel:NotificationChannel': 'userLabels',
  'gcp:sql/databaseInstance:DatabaseInstance': 'settings.userLabels',
};

const requiredLabels = stackPolicy({
  id: 'stack-required-labels',
  description:
    'Every resource that can carries the labels by which bills, budgets and sweeps find it: once on the provider, and on the types that its defaults do not reach.',
  severity: 'low',
  level: 'mandatory',
  remediation:
    'Set defaultLabels on the gcp provider, and the same labels on the resource where the path is one of a resource.',
  url: 'https://cloud.google.com/resource-manager/docs/best-practices-labels',
  references: { checkov: ['CKV_GCP_21'], trivy: ['GCP-0051'] },
  settings: {
    labels: {
      default: ['environment', 'owner', 'managed-by'],
      description: 'Labels that have to be there, with any value',
    },
  },
  judge: function* (stack, { labels }): Iterable<Finding> {
    for (const provider of stack.ofType('pulumi:providers:gcp'))
      yield { urn: provider.urn, answer: hasAll(fromText(provider.at('defaultLabels')), labels) };
    for (const [type, path] of Object.entries(ownLabels))
      for (const resource of stack.ofType(type)) yield { urn: resource.urn, answer: hasAll(resource.at(path), labels) };
  },
});

const hasAll = (place: Reading, labels: readonly string[]) =>
  place.state === 'unknown'
    ? place.exists()
    : all(labels.map((label) => named(place.key(label).isFilled(), place.key(label).path)));

/** A provider's arguments arrive as JSON texts. */
function fromText(place: Reading): Reading {
  if (typeof place.value !== 'string') return place;
  try {
    return new Reading(place.path, JSON.parse(place.value));
  } catch {
    return place; // no labels are found in it, which is what gets reported
  }
}

export const labelPolicies: readonly Policy[] = [requiredLabels];
