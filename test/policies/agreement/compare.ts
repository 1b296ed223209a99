import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Registration } from '../../../infra/recording/record.ts';
import { terraformPlan } from '../../../infra/render/terraform.ts';
import { judgeResource } from '../../../policies/framework/judge.ts';
import type { Policy } from '../../../policies/framework/policy.ts';
import { packs } from '../../checks/policies.ts';
import type { Variant } from './variants.ts';

/** What checkov says about one resource by one of its checks, and what we say by the policies that cite it. */
export type Pair = {
  readonly check: string;
  readonly type: string;
  readonly change: string;
  readonly theirs: 'passes' | 'fails';
  /** `elsewhere`: no policy that cites the check is about resources of that type. */
  readonly ours: 'passes' | 'fails' | 'elsewhere';
};

const all: readonly Policy[] = packs.flatMap(({ policies }) => policies);

/** Checks that policies cite, with those policies. */
export const cited: ReadonlyMap<string, readonly Policy[]> = new Map(
  [...new Set(all.flatMap(({ references }) => references.checkov ?? []))]
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((check) => [check, all.filter(({ references }) => references.checkov?.includes(check))]),
);

/** Runs checkov over all variants at once, and our policies over each. */
export function compare(command: string, folder: string, variants: readonly Variant[]): Pair[] {
  const named = variants.map((variant, index) => ({ ...variant, name: `v${String(index).padStart(5, '0')}` }));
  const theirs = new Map(named.map(({ name }) => [name, new Map<string, 'passes' | 'fails'>()]));
  for (const { check, name, said } of [
    ...scan(command, 'terraform_plan', written(join(folder, 'plan'), [planOf(named)])),
    ...scan(command, 'kubernetes', written(join(folder, 'objects'), named.flatMap(objectOf))),
  ]) {
    const checks = theirs.get(name);
    if (checks === undefined) throw new Error(`checkov speaks of ${name}, which is not among the resources`);
    checks.set(check, said);
  }
  return named.flatMap(({ name, change, resource }) => {
    const checks = theirs.get(name) ?? new Map<string, 'passes' | 'fails'>();
    return [...checks].map(([check, said]) => {
      const ours = verdict(check, resource, said === 'passes' ? checks : new Map());
      return { check, type: resource.type, change, theirs: said, ours };
    });
  });
}

/**
 * @param others what checkov says by its other checks: where one policy is several of them, and it fires because of
 * another one, both have found the fault.
 */
function verdict(check: string, resource: Variant['resource'], others: ReadonlyMap<string, string>): Pair['ours'] {
  const spoken = (cited.get(check) ?? []).flatMap((policy) => {
    const said = policy.kind === 'resource' ? judgeResource(policy, resource) : null;
    return said === null ? [] : [{ policy, fires: said.violations.length > 0 }];
  });
  if (spoken.length === 0) return 'elsewhere';
  const alone = ({ references }: Policy) => !(references.checkov ?? []).some((other) => others.get(other) === 'fails');
  return spoken.some(({ policy, fires }) => fires && alone(policy)) ? 'fails' : 'passes';
}

type Named = Variant & { readonly name: string };
type File = { readonly path: string; readonly text: string };

function planOf(named: readonly Named[]): File {
  const registrations = named
    .filter(({ resource }) => resource.type.startsWith('gcp:'))
    .map(({ name, resource: { type, props } }) => ({ type, name, urn: name, inputs: props }));
  return { path: 'plan.json', text: JSON.stringify(terraformPlan(registrations as unknown as Registration[])) };
}

const objectOf = ({ name, resource: { type, props } }: Named): readonly File[] =>
  type.startsWith('kubernetes:')
    ? [{ path: `${name}.yaml`, text: stringify(props, { lineWidth: 0, version: '1.1' }) }]
    : [];

function written(folder: string, files: readonly File[]): string {
  mkdirSync(folder);
  for (const { path, text } of files) writeFileSync(join(folder, path), text);
  return folder;
}

function scan(command: string, framework: string, folder: string) {
  const checks = ['--check', [...cited.keys()].join()];
  const run = spawnSync(
    command,
    ['-d', folder, '--framework', framework, '--output', 'json', '--compact', '--skip-download', ...checks],
    { encoding: 'utf8', maxBuffer: 512 * 1024 * 1024 },
  );
  if (run.error !== undefined) throw run.error;
  if (run.stdout === '') throw new Error(`checkov said nothing about ${framework}: ${run.stderr.slice(-500)}`);
  const { results } = JSON.parse(run.stdout) as { results: Record<'passed_checks' | 'failed_checks', Check[]> };
  const told = (list: readonly Check[], said: Pair['theirs']) =>
    list.map(({ check_id, resource, file_path }) => ({
      check: check_id,
      name: /\bv\d{5}\b/.exec(framework === 'kubernetes' ? file_path : resource)?.[0] ?? resource,
      said,
    }));
  return [...told(results.passed_checks, 'passes'), ...told(results.failed_checks, 'fails')];
}

type Check = { check_id: string; resource: string; file_path: string };
