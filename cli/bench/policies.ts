import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** Wall clock, and on a core of it, in milliseconds; medians of 3. */
type Taken = { ms: number; cpuMs: number };

/** What the policy packs cost a preview, in Pulumi's own policy host. */
export type PoliciesResult = {
  resources: number;
  rows: readonly {
    pack: string;
    policies: number;
    /** From the start of the process until it listens. */
    start: Taken;
    /** All policies of one resource, its trip over the protocol included. */
    resource: Taken;
    /** All policies of a stack of `resources`. */
    stack: Taken;
  }[];
};

/** In ms: a start; a resource, for a pack of 150 policies; a stack of 1,000 resources. */
const targets = { start: 1_200, resource: 3, policies: 150, stack: 2_000 };

/** @throws Error when the benchmark ended early: its error is on standard error. */
export async function benchPolicies(): Promise<PoliciesResult> {
  const child = spawn(process.execPath, [join(root, 'test/policies/bench.ts')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the benchmark of the policies ended with ${code}: its error is above`);
  return JSON.parse(text) as PoliciesResult;
}

export function policiesText({ resources, rows }: PoliciesResult): string {
  const cell = ({ ms, cpuMs }: Taken, digits = 0) => `${ms.toFixed(digits)} (${cpuMs.toFixed(digits)})`;
  return [
    '| pack | policies | start ms | ms a resource | ms a stack | held |',
    '|---|---|---|---|---|---|',
    ...rows.map((row) => {
      const { pack, policies, start, resource, stack } = row;
      const held = isHeld(row) ? 'yes' : 'NO';
      return `| ${[pack, policies, cell(start), cell(resource, 2), cell(stack), held].join(' | ')} |`;
    }),
    `Medians of 3; in brackets on a core. Stack of ${resources} resources. Targets: start ${targets.start} ms, ${targets.resource} ms a resource and ${targets.policies} policies, stack ${targets.stack} ms.`,
  ].join('\n');
}

/** By the wall clock. A pack with more policies than the target's may take longer for a resource by as much. */
const isHeld = ({ policies, start, resource, stack }: PoliciesResult['rows'][number]): boolean =>
  start.ms <= targets.start &&
  resource.ms <= targets.resource * Math.max(1, policies / targets.policies) &&
  stack.ms <= targets.stack;
