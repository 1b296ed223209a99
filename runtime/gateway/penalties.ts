/**
 * Devices that have to wait before they are let in again: after a violation (doubling, so that a device which repeats it
 * does not loop at full speed), or after their ack could not be given (random, so that they do not return together).
 * Pure: time and randomness come in. Bounded: the oldest entry goes first.
 */
export class Penalties {
  private readonly entries = new Map<string, { strikes: number; until: number; forgetAt: number }>();
  private readonly most: number;
  private readonly random: () => number;

  constructor(random: () => number, most = 20_000) {
    this.random = random;
    this.most = most;
  }

  /** A violation. @returns milliseconds until the device may come back. */
  strike(device: string, now: number): number {
    const strikes = Math.min(10, (this.known(device, now)?.strikes ?? 0) + 1);
    const longest = Math.min(60_000, 500 * 2 ** strikes);
    const wait = Math.round(longest / 2 + (longest / 2) * this.random());
    this.set(device, { strikes, until: now + wait, forgetAt: now + wait + 300_000 });
    return wait;
  }

  /** Not the device's fault. @returns milliseconds until the device may come back. */
  defer(device: string, now: number, longestMs = 10_000): number {
    const known = this.known(device, now);
    const wait = Math.round(longestMs * this.random());
    const until = Math.max(known?.until ?? 0, now + wait);
    this.set(device, { strikes: known?.strikes ?? 0, until, forgetAt: Math.max(known?.forgetAt ?? 0, until) });
    return wait;
  }

  /** Milliseconds that the device still has to wait, 0 when it may come in. */
  waitMs(device: string, now: number): number {
    return Math.max(0, (this.known(device, now)?.until ?? 0) - now);
  }

  get size(): number {
    return this.entries.size;
  }

  private known(device: string, now: number) {
    const entry = this.entries.get(device);
    if (entry === undefined || now < entry.forgetAt) return entry;
    this.entries.delete(device);
    return undefined;
  }

  private set(device: string, entry: { strikes: number; until: number; forgetAt: number }): void {
    this.entries.delete(device);
    this.entries.set(device, entry);
    if (this.entries.size <= this.most) return;
    const [oldest] = this.entries.keys();
    if (oldest !== undefined) this.entries.delete(oldest);
  }
}
