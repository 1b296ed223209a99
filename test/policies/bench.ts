import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Registration } from '../../infra/recording/record.ts';
import { root } from '../infra/engine/pulumi.ts';
import { recordEnvironment } from '../infra/support/environments.ts';
import { PackHost } from './support/host.ts';

/**
 * What the packs cost a preview, as one line of JSON for `npx iot bench policies`: in Pulumi's own policy host, over its
 * protocol, with the production stack repeated until it has 1,000 resources.
 */
const { registrations } = await recordEnvironment({ tier: 'prod' });
const resources: Registration[] = Array.from({ length: 1_000 }, (_, index) => {
  const each = registrations[index % registrations.length] as Registration;
  const copy = `-${Math.floor(index / registrations.length)}`;
  return { ...each, urn: `${each.urn}${copy}`, name: `${each.name}${copy}` };
});

/** Wall clock, and time of the host's process on a core: on a shared machine the first is not the packs' alone. */
type Taken = { ms: number; cpuMs: number };

/** On a core since its start, in ms: Linux counts in ticks of 10. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function onCore({ pid }: PackHost): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Median of 3. */
async function median(run: () => Promise<Taken>): Promise<Taken> {
  const taken = [await run(), await run(), await run()].sort((a, b) => a.ms - b.ms);
  return taken[1] as Taken;
}

const timed = (host: PackHost, run: () => Promise<unknown>) => async (): Promise<Taken> => {
  const [from, core] = [performance.now(), onCore(host)];
  await run();
  return { ms: performance.now() - from, cpuMs: onCore(host) - core };
};

const rows: { pack: string; policies: number; start: Taken; resource: Taken; stack: Taken }[] = [];
for (const pack of ['google-cloud', 'kubernetes', 'platform']) {
  const folder = join(root, 'policies', pack);
  const start = await median(async () => {
    const from = performance.now();
    const host = await PackHost.start(folder);
    const taken = { ms: performance.now() - from, cpuMs: onCore(host) };
    await host.end();
    return taken;
  });
  const host = await PackHost.start(folder);
  try {
    await host.configure();
    const all = await median(
      timed(host, async () => {
        for (const each of resources) await host.analyze(each);
      }),
    );
    const resource = { ms: all.ms / resources.length, cpuMs: all.cpuMs / resources.length };
    const stack = await median(timed(host, () => host.analyzeStack(resources)));
    rows.push({ pack, policies: (await host.info()).policies.length, start, resource, stack });
  } finally {
    await host.end();
  }
}
process.stdout.write(`${JSON.stringify({ resources: resources.length, rows })}\n`);
