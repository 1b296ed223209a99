import type { Log } from '../platform/service/log.ts';
import { TokenBucket } from './token-bucket.ts';

/** Refusals in the log, at most a few a second of each kind: the counters have them all, a flood must not fill a disk. */
export class QuietLog {
  private readonly log: Log;
  private readonly perSecond: number;
  private readonly kinds = new Map<string, { bucket: TokenBucket; suppressed: number }>();

  constructor(log: Log, perSecond = 5) {
    this.log = log;
    this.perSecond = perSecond;
  }

  /** @param kind of a bounded set. */
  warn(kind: string, fields: Record<string, unknown>, text: string): void {
    const now = Date.now();
    let entry = this.kinds.get(kind);
    if (entry === undefined) {
      entry = { bucket: new TokenBucket(this.perSecond, now), suppressed: 0 };
      this.kinds.set(kind, entry);
    }
    if (!entry.bucket.take(now)) {
      entry.suppressed++;
      return;
    }
    const { suppressed } = entry;
    entry.suppressed = 0;
    this.log.warn({ kind, ...fields, ...(suppressed > 0 ? { suppressed } : {}) }, text);
  }
}
