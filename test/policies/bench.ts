import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Registration } from '../../infra/recording/record.ts';
import { root } from '../infra/engine/pulumi.ts';
import { recordEnvironment } from '../infra/support/environments.ts';
import { PackHost } from './support/host.ts';

/**
 * What the packs cost a preview: `node test/policies/bench.ts`. In Pulumi's own policy host, over its protocol, with the
 * production stack repeated until it has 1,000 resources. Budgets are for a machine that does nothing else: a start in
 * 1.2 s, 3 ms a resource, 2 s for a stack.
 */
const { registrations } = await recordEnvironment({ tier: 'prod' });
const resources: Registration[] = Array.from({ length: 1_000 }, (_, index) => {
  const each = registrations[index % registrations.length] as Registration;
  const copy = `-${Math.floor(index / registrations.length)}`;
  return { ...each, urn: `${each.urn}${copy}`, name: `${each.name}${copy}` };
});

/** Median of 3, in ms. */
async function median(run: () => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let count = 0; count < 3; count++) {
    const from = performance.now();
    await run();
    taken.push(performance.now() - from);
  }
  return taken.sort((a, b) => a - b)[1] ?? Number.NaN;
}

process.stdout.write(`node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model}\n`);
process.stdout.write('| pack | policies | start ms | ms a resource | ms a stack of 1,000 |\n|---|---|---|---|---|\n');
for (const pack of ['google-cloud', 'kubernetes', 'platform']) {
  const folder = join(root, 'policies', pack);
  const start = await median(async () => (await PackHost.start(folder)).end());
  const host = await PackHost.start(folder);
  try {
    await host.configure();
    const single = await median(async () => {
      for (const each of resources) await host.analyze(each);
    });
    const stack = await median(() => host.analyzeStack(resources));
    const { policies } = await host.info();
    const cells = [pack, policies.length, Math.round(start), (single / resources.length).toFixed(2), Math.round(stack)];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  } finally {
    await host.end();
  }
}
