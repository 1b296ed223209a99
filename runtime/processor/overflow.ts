import type { Log } from '../platform/service/log.ts';

/** How full the way into one database is. */
export type LaneFill = { name: string; waiting: number; away: boolean; oldestMs: number };

/**
 * Which lanes have more waiting than they may hold, and where their surplus may be parked: in a database that takes
 * rows and has nearly nothing waiting. Pure. With no such database nothing is parked: the pull fills up and stops, and
 * nobody else is there whom it would slow.
 */
export function planParking(
  lanes: readonly LaneFill[],
  bound: number,
): { from: string; to: string; messages: number }[] {
  const hosts = lanes.filter((lane) => !lane.away && lane.waiting < bound / 4);
  const plan: { from: string; to: string; messages: number }[] = [];
  for (const lane of lanes) {
    const surplus = lane.waiting - bound;
    // A lane that is only busy empties by itself; one that stands for a second is away, whatever it says.
    if (surplus <= 0 || (!lane.away && lane.oldestMs < 1_000)) continue;
    const host = hosts.find((other) => other.name !== lane.name);
    if (host !== undefined) plan.push({ from: lane.name, to: host.name, messages: surplus });
  }
  return plan;
}

/** Runs `work` again and again, each time `ms` after the last ended; an error is logged, and the next turn comes. */
export function every(ms: number, what: string, log: Log, work: () => Promise<void>): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const turn = () => {
    running = work()
      .catch((error: unknown) => log.warn({ error: String(error) }, `${what} failed; it is tried again`))
      .then(() => {
        if (!stopped) timer = setTimeout(turn, ms);
      });
  };
  timer = setTimeout(turn, Math.min(ms, 50));
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
