/**
 * Whether the bus takes messages, as far as one publisher knows. Pure: time and randomness come in.
 * `up` → all go; `away` → none go until the back-off is over; `probing` → one batch goes and decides.
 */
export type BreakerState = 'up' | 'away' | 'probing';

export type BreakerOptions = {
  /** Failed calls in a row that open it. */
  failures: number;
  /** A call unanswered for this long, with no success since it left, opens it, milliseconds; see `watch`. */
  stallMs: number;
  /**
   * `watch` is called this often, milliseconds. Time beyond it between two calls counts for nothing: this process did not
   * run, so answers may have come that it has not read.
   */
  watchMs: number;
  /** First and longest pause before a probe, milliseconds; doubles in between, with full jitter above the half. */
  pauseMs: { first: number; longest: number };
};

export const breakerDefaults: BreakerOptions = {
  failures: 2,
  stallMs: 1_500,
  watchMs: 250,
  pauseMs: { first: 100, longest: 2_000 },
};

/** A bus that answers slowly gets more time before its silence counts, at most this many times `stallMs`. */
const mostPatience = 3;

export class Breaker {
  private readonly options: BreakerOptions;
  private readonly random: () => number;
  private current: BreakerState = 'up';
  private failed = 0;
  private opened = 0;
  private probeAt = 0;
  private lastSuccess = Number.NEGATIVE_INFINITY;
  private lastTook = 0;
  private lastWatch = Number.NEGATIVE_INFINITY;
  /** The unanswered call that is watched, by when it left, and how long it was seen unanswered. */
  private watched = Number.NaN;
  private silentMs = 0;

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

  /** @param sentAt when the answered call left. */
  succeeded(now: number, sentAt = now): void {
    this.lastTook = now - sentAt;
    this.current = 'up';
    this.failed = 0;
    this.opened = 0;
    this.lastSuccess = now;
  }

  failedAt(now: number): void {
    this.failed++;
    if (this.current !== 'up' || this.failed >= this.options.failures) this.open(now);
  }

  /**
   * A call was given up after its time. While up that is no failure: either others were answered since it left, so the
   * bus is slow and not away, or `watch` has seen too little of the silence, so this process was away itself.
   */
  timedOut(now: number): void {
    if (this.current !== 'up') this.failedAt(now);
  }

  /**
   * Told every `watchMs` when the oldest unanswered call left; `undefined` when none is. Opens on silence that this process
   * has watched: longer than `stallMs`, and than twice what the last answered call took.
   */
  watch(oldestSentAt: number | undefined, now: number): void {
    const { stallMs, watchMs } = this.options;
    const seenMs = Math.min(now - this.lastWatch, watchMs);
    this.lastWatch = now;
    if (this.current !== 'up' || oldestSentAt === undefined || this.lastSuccess >= oldestSentAt) {
      this.watched = Number.NaN;
      return;
    }
    if (this.watched !== oldestSentAt) this.silentMs = 0;
    this.watched = oldestSentAt;
    this.silentMs += Math.min(seenMs, now - oldestSentAt);
    if (this.silentMs > Math.min(mostPatience * stallMs, Math.max(stallMs, 2 * this.lastTook))) this.open(now);
  }

  private open(now: number): void {
    const { first, longest } = this.options.pauseMs;
    const pause = Math.min(longest, first * 2 ** Math.min(this.opened, 20));
    this.opened++;
    this.current = 'away';
    this.probeAt = now + pause / 2 + (pause / 2) * this.random();
  }
}
