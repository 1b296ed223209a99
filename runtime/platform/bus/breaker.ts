/**
 * Whether the bus takes messages, as far as one publisher knows. Pure: time and randomness come in.
 * `up` → all go; `away` → none go until the back-off is over; `probing` → one batch goes and decides.
 */
export type BreakerState = 'up' | 'away' | 'probing';

export type BreakerOptions = {
  /** Failed calls in a row that open it. */
  failures: number;
  /** A call unanswered for this long, with no success since it left, opens it, milliseconds. */
  stallMs: number;
  /** First and longest pause before a probe, milliseconds; doubles in between, with full jitter above the half. */
  pauseMs: { first: number; longest: number };
};

export const breakerDefaults: BreakerOptions = { failures: 2, stallMs: 1_500, pauseMs: { first: 100, longest: 2_000 } };

export class Breaker {
  private readonly options: BreakerOptions;
  private readonly random: () => number;
  private current: BreakerState = 'up';
  private failed = 0;
  private opened = 0;
  private probeAt = 0;
  private lastSuccess = Number.NEGATIVE_INFINITY;

  constructor(options: BreakerOptions, random: () => number) {
    this.options = options;
    this.random = random;
  }

  get state(): BreakerState {
    return this.current;
  }

  /** Whether a new message may go now; the pause being over turns `away` into `probing`. */
  admits(now: number): boolean {
    if (this.current === 'up') return true;
    if (this.current === 'away' && now >= this.probeAt) this.current = 'probing';
    return this.current === 'probing';
  }

  /** The probe's batch has left: nothing more goes until it is answered. */
  probeSent(now: number): void {
    if (this.current !== 'probing') return;
    this.current = 'away';
    this.probeAt = now + this.options.stallMs;
  }

  succeeded(now: number): void {
    this.current = 'up';
    this.failed = 0;
    this.opened = 0;
    this.lastSuccess = now;
  }

  failedAt(now: number): void {
    this.failed++;
    if (this.current !== 'up' || this.failed >= this.options.failures) this.open(now);
  }

  /** Told from time to time when the oldest unanswered call left. */
  watch(oldestSentAt: number, now: number): void {
    if (this.current !== 'up') return;
    if (now - oldestSentAt > this.options.stallMs && this.lastSuccess < oldestSentAt) this.open(now);
  }

  private open(now: number): void {
    const { first, longest } = this.options.pauseMs;
    const pause = Math.min(longest, first * 2 ** Math.min(this.opened, 20));
    this.opened++;
    this.current = 'away';
    this.probeAt = now + pause / 2 + (pause / 2) * this.random();
  }
}
