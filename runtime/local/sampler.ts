import { usageOf } from './proc.ts';
import { coresUsed, type PartStatus } from './status.ts';

const everyMs = 2_000;

/** Measures CPU and memory of each part from /proc, each 2 s. */
export function sampler(parts: () => PartStatus[], onSample: () => void) {
  const last = new Map<string, { pid: number; cpuTicks: number; atMs: number }>();
  const usage = new Map<string, { pid: number; cpu: number | null; rssBytes: number }>();
  let timer: NodeJS.Timeout | undefined;

  async function sample(): Promise<void> {
    for (const { name, pid } of parts()) {
      const measured = pid === null ? undefined : await usageOf(pid);
      if (pid === null || measured === undefined) {
        last.delete(name);
        usage.delete(name);
        continue;
      }
      const now = { pid, cpuTicks: measured.cpuTicks, atMs: performance.now() };
      usage.set(name, { pid, cpu: coresUsed(last.get(name), now), rssBytes: measured.rssBytes });
      last.set(name, now);
    }
    onSample();
  }

  const next = () => {
    timer = setTimeout(() => void sample().finally(next), everyMs);
    timer.unref();
  };
  return {
    start: next,
    stop: () => clearTimeout(timer),
    withUsage: (statuses: PartStatus[]): PartStatus[] =>
      statuses.map((status) => {
        const found = usage.get(status.name);
        return found === undefined || found.pid !== status.pid
          ? status
          : { ...status, cpu: found.cpu, rssBytes: found.rssBytes };
      }),
  };
}
