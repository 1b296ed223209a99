import { readFileSync } from 'node:fs';
import type { Recording } from '../../../../infra/recording/record.ts';
import { declarationOf } from '../../truth/literals.ts';
import { called } from './graph.ts';

/** What every resource that takes labels has: bills, budgets and sweeps find an environment by them. */
export const requiredLabels = ['environment', 'tier', 'owner', 'managed-by', 'platform'] as const;

/** Labels below the first level, which no default of the provider reaches. */
const nested: Readonly<Record<string, string>> = {
  'gcp:sql/databaseInstance:DatabaseInstance': 'settings.userLabels',
  'gcp:container/nodePool:NodePool': 'nodeConfig.resourceLabels',
};

/** Labels that are missing on the provider, or on a type that the provider's defaults do not reach. */
export function missingLabels({ registrations }: Recording, root: string): string[] {
  const problems: string[] = [];
  for (const each of registrations) {
    if (each.type === 'pulumi:providers:gcp') {
      const text = each.inputs['defaultLabels'];
      problems.push(...lacking(called(each), 'defaultLabels', typeof text === 'string' ? JSON.parse(text) : {}));
    }
    const place = nested[each.type] ?? ownLabels(each.type, root);
    if (place !== null) problems.push(...lacking(called(each), place, read(each.inputs, place)));
  }
  return problems;
}

const declared = new Map<string, string | null>();

/**
 * The input that takes labels on a type without default labels. The provider adds its defaults to types that have the
 * output `pulumiLabels` (https://www.pulumi.com/registry/packages/gcp/api-docs/provider/#defaultlabels_nodejs).
 */
function ownLabels(type: string, root: string): string | null {
  if (!type.startsWith('gcp:')) return null;
  const known = declared.get(type);
  if (known !== undefined) return known;
  const declaration = declarationOf(type, root);
  const text = declaration === null ? '' : readFileSync(declaration.file, 'utf8');
  const args = text.slice(text.lastIndexOf('export interface '));
  // A notification channel's `labels` are its address; its labels are `userLabels`.
  const place = /\bpulumiLabels: /.test(text)
    ? null
    : (['userLabels', 'resourceLabels', 'labels'].find((key) => args.includes(`\n    ${key}?: `)) ?? null);
  declared.set(type, place);
  return place;
}

const read = (inputs: unknown, place: string): unknown =>
  place.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], inputs);

function lacking(who: string, place: string, labels: unknown): string[] {
  const given = typeof labels === 'object' && labels !== null ? labels : {};
  const missing = requiredLabels.filter((label) => !(label in given));
  return missing.length === 0 ? [] : [`${who}: ${place} lacks ${missing.join(', ')}`];
}
