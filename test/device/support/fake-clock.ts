import type { Clock } from '../../../runtime/device/clock.ts';

/** A clock that stands until it is turned. Timers run in order of their time, at their time. */
export function fakeClock(start = 1_700_000_000_000) {
  let now = start;
  let number = 0;
  const timers = new Map<number, { at: number; work: () => void }>();
  const clock: Clock = {
    now: () => now,
    after: (ms, work) => {
      const id = number++;
      timers.set(id, { at: now + ms, work });
      return () => void timers.delete(id);
    },
  };
  return {
    clock,
    /** When the next timer is due, in milliseconds from now. */
    nextIn: () => (timers.size === 0 ? undefined : Math.min(...[...timers.values()].map((t) => t.at)) - now),
    turn(ms: number) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter(([, t]) => t.at <= end).sort(([a, s], [b, t]) => s.at - t.at || a - b)[0];
        if (due === undefined) break;
        timers.delete(due[0]);
        now = Math.max(now, due[1].at);
        due[1].work();
      }
      now = end;
    },
  };
}
