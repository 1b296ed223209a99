/**
 * A rate that may be overdrawn: what has arrived is never dropped, its sender is paused until the debt is paid.
 * Pure: time comes in. Holds `burstSeconds` worth of unused rate.
 */
export class TokenBucket {
  private readonly burstSeconds: number;
  private perMs = 0;
  private most = 0;
  private tokens: number;
  private at: number;

  constructor(perSecond: number, now: number, burstSeconds = 2) {
    this.burstSeconds = burstSeconds;
    this.at = now;
    this.tokens = Number.POSITIVE_INFINITY;
    this.setRate(perSecond, now);
  }

  /** Another rate from now on; a debt stays, what is saved is cut to the new burst. */
  setRate(perSecond: number, now: number): void {
    this.refill(now);
    this.perMs = perSecond / 1_000;
    this.most = Math.max(1, perSecond * this.burstSeconds);
    this.tokens = Math.min(this.tokens, this.most);
  }

  /** Takes `count` in any case. */
  spend(now: number, count = 1): void {
    this.refill(now);
    this.tokens -= count;
  }

  /** Takes one only if there is one. */
  take(now: number): boolean {
    this.refill(now);
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  /** Whether there is no debt at `now`. */
  clear(now: number): boolean {
    if (this.tokens > 0) return true;
    this.refill(now);
    return this.tokens > 0;
  }

  private refill(now: number): void {
    if (now <= this.at) return; // a clock set back gives nothing and takes nothing
    this.tokens = Math.min(this.most, this.tokens + (now - this.at) * this.perMs);
    this.at = now;
  }
}
