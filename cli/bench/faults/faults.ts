import { awaitNewProcess, type BenchPlatform } from '../platform.ts';
import type { Stores } from './stores.ts';

/** A fault: what is done to the platform while devices report, and when it is over. */
export type Fault = {
  name: string;
  /** Resolves when the cause is over: the part is back, the database goes on. */
  cause(platform: BenchPlatform, stores: Stores): Promise<void>;
};

export const partsToKill = ['gateway', 'processor', 'pubsub', 'api', 'postgres', 'redis'] as const;

export function allFaults(awaySeconds: number): Fault[] {
  return [
    ...partsToKill.map(killed),
    killedWhileStopped('gateway', 'pubsub'),
    killedWhileStopped('processor', 'postgres'),
    databaseAway(awaySeconds),
    redisFlushed,
  ];
}

/** kill -9, then wait until its supervisor has a new process that is ready. */
export const killed = (part: (typeof partsToKill)[number]): Fault => ({
  name: `${part} killed`,
  async cause(platform) {
    const before = await platform.part(part);
    process.kill(before.pid, 'SIGKILL');
    await awaitNewProcess(platform, part, before.pid, 60_000);
  },
});

/**
 * The database answers nothing for a time: every process of it is stopped, connections stay open. Worse than a refused
 * connection, because only timeouts can tell.
 */
export const databaseAway = (seconds: number): Fault => ({
  name: `database away for ${seconds} s`,
  cause: (platform) => whileStopped(platform, 'postgres', () => pause(seconds * 1_000)),
});

/**
 * A part is killed while the store behind it answers nothing, so that whatever it had acknowledged too early is in its
 * memory alone, and gone with it.
 */
export const killedWhileStopped = (part: (typeof partsToKill)[number], store: 'pubsub' | 'postgres'): Fault => ({
  name: `${part} killed while ${store} answers nothing`,
  async cause(platform) {
    const { pid } = await platform.part(part);
    await whileStopped(platform, store, async () => {
      await pause(1_500);
      process.kill(pid, 'SIGKILL');
      await pause(200);
    });
    await awaitNewProcess(platform, part, pid, 60_000);
  },
});

async function whileStopped(platform: BenchPlatform, part: string, work: () => Promise<void>): Promise<void> {
  const pids = await platform.processTree(part);
  const signal = (name: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch (error) {
        // A worker that ended in between needs no signal.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  };
  signal('SIGSTOP');
  try {
    await work();
  } finally {
    signal('SIGCONT');
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export const redisFlushed: Fault = {
  name: 'Redis emptied (FLUSHALL)',
  cause: (_platform, stores) => stores.flushRedis(),
};

export async function until(what: string, withinMs: number, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
