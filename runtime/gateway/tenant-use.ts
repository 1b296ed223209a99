import { TokenBucket } from './token-bucket.ts';

const minuteMs = 60_000;

/** What a tenant's devices sent through this process in one minute. */
export type MinuteOfUse = { minute: number; messages: number; throttledMs: number };

/**
 * One tenant here: what it sent, and whether its devices are read now. Over its share nobody is cut off and nothing is
 * dropped: bytes stay in the sockets until the debt is paid. Pure: time comes in.
 */
export class TenantUse {
  private bucket: TokenBucket | undefined;
  private throttledSince: number | undefined;
  private current: MinuteOfUse;
  private last: MinuteOfUse | undefined;
  /** Of all time. */
  totalThrottledMs = 0;

  constructor(now: number) {
    this.current = emptyMinute(now);
  }

  /** Messages a second that may be taken in here; undefined: no limit. */
  setShare(perSecond: number | undefined, now: number): void {
    if (perSecond === undefined) {
      this.endThrottle(now);
      this.bucket = undefined;
    } else if (this.bucket === undefined) this.bucket = new TokenBucket(perSecond, now);
    else this.bucket.setRate(perSecond, now);
  }

  took(now: number): void {
    this.turn(now);
    this.current.messages++;
    this.bucket?.spend(now);
  }

  mayRead(now: number): boolean {
    if (this.bucket === undefined || this.bucket.clear(now)) {
      if (this.throttledSince !== undefined) this.endThrottle(now);
      return true;
    }
    this.throttledSince ??= now;
    return false;
  }

  isThrottled(now: number): boolean {
    return !this.mayRead(now);
  }

  /** The last whole minute, if it was not told yet, and this one so far. */
  minutes(now: number): MinuteOfUse[] {
    this.turn(now);
    this.countThrottle(now);
    const told = this.last === undefined ? [] : [this.last];
    return [...told, this.current].map((each) => ({ ...each }));
  }

  /** The devices service has what `minutes` said of minutes before `minute`. */
  told(minute: number): void {
    if (this.last !== undefined && this.last.minute < minute) this.last = undefined;
  }

  private turn(now: number): void {
    if (now < this.current.minute + minuteMs) return;
    this.countThrottle(now);
    this.last = this.current;
    this.current = emptyMinute(now);
  }

  private endThrottle(now: number): void {
    this.countThrottle(now);
    this.throttledSince = undefined;
  }

  private countThrottle(now: number): void {
    if (this.throttledSince === undefined || now <= this.throttledSince) return;
    this.current.throttledMs += now - this.throttledSince;
    this.totalThrottledMs += now - this.throttledSince;
    this.throttledSince = now;
  }
}

const emptyMinute = (now: number): MinuteOfUse => ({ minute: now - (now % minuteMs), messages: 0, throttledMs: 0 });

/** All tenants seen by this process; there are as many as the registry has, so the map is bounded by it. */
export class TenantUses {
  private readonly uses = new Map<string, TenantUse>();
  private shares = new Map<string, number>();

  of(tenant: string, now = Date.now()): TenantUse {
    const known = this.uses.get(tenant);
    if (known !== undefined) return known;
    const use = new TenantUse(now);
    use.setShare(this.shares.get(tenant), now);
    this.uses.set(tenant, use);
    return use;
  }

  setShares(shares: ReadonlyMap<string, number>, now: number): void {
    this.shares = new Map(shares);
    for (const [tenant, use] of this.uses) use.setShare(shares.get(tenant), now);
  }

  entries(): IterableIterator<[string, TenantUse]> {
    return this.uses.entries();
  }

  throttled(now: number): number {
    let throttled = 0;
    for (const use of this.uses.values()) if (use.isThrottled(now)) throttled++;
    return throttled;
  }

  throttledMs(now: number): number {
    let total = 0;
    for (const use of this.uses.values()) {
      use.minutes(now);
      total += use.totalThrottledMs;
    }
    return total;
  }
}
