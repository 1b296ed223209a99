import { type Finding, type Policy, stackPolicy } from '../framework/policy.ts';
import type { Resource, Stack } from '../framework/stack.ts';

/** `europe-west1` and its zones; multi-regions (`eu`, `nam5`) and `global` are no region. */
const region = /^([a-z]+-[a-z]+\d+)(-[a-z])?$/;
const places = ['region', 'location', 'zone', 'locationId'];

const singleRegion = stackPolicy({
  id: 'stack-single-region',
  description:
    'What belongs together is in one region, or in those that are listed: data does not leave it unnoticed, and traffic between regions is slow and billed.',
  severity: 'medium',
  level: 'mandatory',
  remediation: 'Move the resource to the region of the others, or list both in the setting regions.',
  url: 'https://cloud.google.com/docs/geography-and-regions',
  references: {},
  settings: {
    regions: { default: [], description: 'Regions that are allowed; empty: whichever one most of the stack is in.' },
  },
  judge: (stack, { regions }) => {
    const allowed = regions.length > 0 ? regions : mostUsed(stack);
    return regional(stack).map(
      ({ resource, path }): Finding => ({
        urn: resource.urn,
        answer: resource.at(path).test((text) => {
          const [, found] = region.exec(String(text).toLowerCase()) ?? [];
          return found === undefined || allowed.includes(found);
        }),
      }),
    );
  },
});

const regional = (stack: Stack): readonly { resource: Resource; path: string }[] =>
  stack
    .ofType(/^gcp:/)
    .flatMap((resource) =>
      places.filter((path) => resource.at(path).state !== 'absent').map((path) => ({ resource, path })),
    );

/** Of two that are used as often, the first by name. */
function mostUsed(stack: Stack): readonly string[] {
  const counts = new Map<string, number>();
  for (const { resource, path } of regional(stack)) {
    const [, found] = region.exec(String(resource.at(path).value).toLowerCase()) ?? [];
    if (found !== undefined) counts.set(found, (counts.get(found) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a, x], [b, y]) => y - x || a.localeCompare(b))
    .slice(0, 1)
    .map(([name]) => name);
}

export const regionPolicies: readonly Policy[] = [singleRegion];
