import { all } from '../framework/answer.ts';
import { type Finding, type Policy, resourcePolicy, stackPolicy } from '../framework/policy.ts';
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

const labels = {
  default: ['environment', 'owner', 'managed-by'],
  description: 'Labels that have to be there, with any value',
} as const;
const url = 'https://cloud.google.com/resource-manager/docs/best-practices-labels';

const onProviders = stackPolicy({
  id: 'stack-required-labels',
  description:
    'Every resource that can carries the labels by which bills, budgets and sweeps find it: once on the provider, for all that its defaults reach.',
  severity: 'low',
  level: 'mandatory',
  remediation: 'Set defaultLabels on the gcp provider.',
  url,
  references: { checkov: ['CKV_GCP_21'], trivy: ['GCP-0051'] },
  settings: { labels },
  judge: (stack, settings) =>
    stack.ofType('pulumi:providers:gcp').map(
      (provider): Finding => ({
        urn: provider.urn,
        answer: hasAll(fromText(provider.at('defaultLabels')), settings.labels),
      }),
    ),
});

const onResources = resourcePolicy({
  id: 'own-labels',
  description: "Resources that the provider's default labels do not reach carry the same labels themselves.",
  severity: 'low',
  level: 'mandatory',
  remediation:
    'Set the labels on the resource too, at the path named; the setting values lets the level remediate set them.',
  url,
  references: { checkov: ['CKV_GCP_21'], trivy: ['GCP-0051'] },
  settings: {
    labels,
    values: {
      default: [],
      description: 'Values that the level remediate sets where a label is missing, as owner=platform',
    },
  },
  types: Object.keys(ownLabels),
  judge: ({ type, at, settings }) => hasAll(at(ownLabels[type] ?? 'labels'), settings.labels),
  remedy: ({ type, at, settings }) => {
    const path = ownLabels[type] ?? 'labels';
    return Object.fromEntries(
      settings.values.flatMap((pair) => {
        const [label = '', ...value] = pair.split('=');
        const missing = settings.labels.includes(label) && at(path).key(label).isFilled().is === 'no';
        return missing ? [[`${path}.${label}`, value.join('=')]] : [];
      }),
    );
  },
});

const hasAll = (place: Reading, labels: readonly string[]) =>
  place.state === 'unknown'
    ? place.exists()
    : all(labels.map((label) => named(place.key(label).isFilled(), place.key(label).path)));

/** A provider's arguments arrive as JSON texts. */
export function fromText(place: Reading): Reading {
  if (typeof place.value !== 'string') return place;
  try {
    return new Reading(place.path, JSON.parse(place.value));
  } catch {
    return place; // no labels are found in it, which is what gets reported
  }
}

export const labelPolicies: readonly Policy[] = [onProviders, onResources];
