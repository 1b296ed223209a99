import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { checkout } from '../../runtime/local/folder.ts';
import { statOf, ticksPerSecond, usageOf } from '../../runtime/local/proc.ts';

export type MachineFacts = {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  commit: string;
  /** One-minute load before the run: what else ran. */
  loadBefore: number;
  at: string;
};

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1_073_741_824),
    kernel: release(),
    node: process.version,
    commit: commit(),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    at: new Date().toISOString(),
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: checkout,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    // A copy without .git, or a machine without git: the numbers stand without it.
    return 'unknown';
  }
}

/**
 * CPU of parts over a time, in cores: a part that used a core for the whole time has 1. Postgres works in processes
 * below its first; the launcher's and ours below are parts of their own, or the generator.
 */
export function cpuMeter(parts: readonly { name: string; pid: number }[]) {
  const usage = ({ name, pid }: { name: string; pid: number }) => (name === 'postgres' ? usageOf(pid) : statOf(pid));
  const read = async () => new Map(await Promise.all(parts.map(async (p) => [p.name, await usage(p)] as const)));
  let begin: Awaited<ReturnType<typeof read>> | undefined;
  let beginMachine = machineTicks();
  let at = 0;
  return {
    async start() {
      begin = await read();
      beginMachine = machineTicks();
      at = performance.now();
    },
    /** `elsewhere`: what the machine's other processes used. */
    async stop(): Promise<{ parts: Record<string, number>; elsewhere: number; total: number }> {
      const end = await read();
      const seconds = (performance.now() - at) / 1_000;
      const machine = machineTicks();
      const cores: Record<string, number> = {};
      for (const [name, usage] of end) {
        const before = begin?.get(name);
        if (usage !== undefined && before !== undefined)
          cores[name] = Math.max(0, (usage.cpuTicks - before.cpuTicks) / ticksPerSecond / seconds);
      }
      const total = (machine - beginMachine) / ticksPerSecond / seconds;
      const ours = Object.values(cores).reduce((sum, c) => sum + c, 0);
      return { parts: cores, elsewhere: Math.max(0, total - ours), total };
    },
  };
}

/** Ticks that all cores spent busy (https://man7.org/linux/man-pages/man5/proc_stat.5.html). */
function machineTicks(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq;
}
