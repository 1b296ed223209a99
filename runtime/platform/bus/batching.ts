/**
 * When a batch of messages leaves. A call costs the same whatever it carries (0.65 ms of CPU, publisher and local server
 * together), so company is worth waiting for where there will be some, and nothing is where there will be none. Pure: time
 * comes in. docs/decisions/0016 has the measurements.
 */

/** Messages that a full wait would gather: up to `few` nobody waits for more while no call is out, from `many` on all wait. */
const few = 8;
const many = 16;

/** Time constant of the smoothed rate, milliseconds: long beside a batch, short beside a device's patience. */
const smoothedOverMs = 100;

/** How many messages arrive, smoothed: each counts for less the longer it is ago. */
export class ArrivalRate {
  private weight = 0;
  private at: number;

  constructor(now: number) {
    this.at = now;
  }

  add(now: number): void {
    this.decay(now);
    this.weight++;
  }

  perMs(now: number): number {
    this.decay(now);
    return this.weight / smoothedOverMs;
  }

  private decay(now: number): void {
    if (now <= this.at) return; // a clock set back ages nothing
    this.weight *= Math.exp((this.at - now) / smoothedOverMs);
    this.at = now;
  }
}

/**
 * Milliseconds that the first message of a batch waits for others, at most `batchMs`.
 * - Nobody would come in time: 0, whatever is out.
 * - A call is out: until its answer (ask again then), or the full wait; so calls never follow each other faster than their
 *   answers come or the waits end.
 * - Nothing is out: 0 while few come, the full wait where many do, in between in proportion, so that there is no rate at
 *   which latency or CPU jumps.
 */
export function holdMs(perMs: number, callsOut: number, batchMs: number): number {
  const company = perMs * batchMs;
  if (company < 1) return 0;
  if (callsOut > 0) return batchMs;
  return batchMs * Math.min(1, Math.max(0, (company - few) / (many - few)));
}
