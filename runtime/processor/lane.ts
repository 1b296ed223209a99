import { setTimeout as sleep } from 'node:timers/promises';
import type { RawMessage } from './attributes.ts';
import type { DeadLetter, Row } from './interpret.ts';
import type { ReportedState } from './store.ts';

/** One message on its way into its database. `done` is called once, after everything of it is durable. */
export type Work = {
  raw: RawMessage;
  message: string;
  tenant: string;
  device: string;
  received: number;
  rows: readonly Row[];
  deadLetters: readonly DeadLetter[];
  state: ReportedState | undefined;
  /** The device's type has alert rules. */
  watched: boolean;
  /** When it came into this process, by the same clock as the lane's. */
  since: number;
  done: () => void;
  /** It came out of the parking and does not go back there. */
  parked: boolean;
};

export type LaneOptions = {
  batchRows: number;
  batchMs: number;
  /** Batches at a time. */
  inFlight: number;
  /** Makes the batch durable; a rejection means "not now": the batch is kept and tried again. */
  write: (works: readonly Work[]) => Promise<void>;
  onAway: (error: unknown) => void;
  onBack: () => void;
  pauseMs?: { first: number; longest: number };
  now: () => number;
  random: () => number;
};

/**
 * The way into one database: gathers messages into batches and keeps those that failed, in order, until they are
 * written. While its database is away it probes with one batch at a time.
 */
export class Lane {
  private readonly options: LaneOptions;
  private queue: Work[] = [];
  private rows = 0;
  private due = false;
  private timer: NodeJS.Timeout | undefined;
  private writing = 0;
  private failures = 0;
  private retryTimer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(options: LaneOptions) {
    this.options = options;
  }

  /** Messages waiting to be written, those being written not counted. */
  get waiting(): number {
    return this.queue.length;
  }
  get away(): boolean {
    return this.failures > 0;
  }
  get idle(): boolean {
    return this.queue.length === 0 && this.writing === 0;
  }
  /** When the longest waiting message came in; undefined when none waits. */
  get oldest(): number | undefined {
    return this.queue[0]?.since;
  }

  add(work: Work): void {
    this.queue.push(work);
    this.rows += weight(work);
    if (this.away) return;
    if (this.rows >= this.options.batchRows) this.pump();
    else
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.due = true;
        this.pump();
      }, this.options.batchMs);
  }

  /** Takes up to `max` messages from the end of the queue, which then are the caller's. */
  takeLast(max: number): Work[] {
    const from = Math.max(0, this.queue.length - max);
    const taken: Work[] = [];
    const kept: Work[] = [];
    for (let i = from; i < this.queue.length; i++) {
      const work = this.queue[i] as Work;
      (work.parked ? kept : taken).push(work);
    }
    this.queue.length = from;
    this.queue.push(...kept);
    for (const work of taken) this.rows -= weight(work);
    return taken;
  }

  /** Gives messages back that were taken in vain. */
  giveBack(works: readonly Work[]): void {
    for (const work of works) this.add(work);
  }

  /** Writes what is there without waiting for more; resolves when all is written, or at the deadline. */
  async drain(withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (!this.idle && performance.now() < deadline) {
      this.due = true;
      if (!this.away) this.pump();
      await sleep(5);
    }
    return this.idle;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.retryTimer);
  }

  private pump(): void {
    const most = this.away ? 1 : this.options.inFlight;
    while (!this.stopped && this.queue.length > 0 && this.writing < most) {
      if (this.rows < this.options.batchRows && !this.due && !this.away) return;
      this.send(this.takeBatch());
    }
  }

  private takeBatch(): Work[] {
    let rows = 0;
    let bytes = 0;
    let count = 0;
    while (count < this.queue.length && rows < this.options.batchRows && bytes < maxBatchBytes) {
      const work = this.queue[count] as Work;
      rows += weight(work);
      bytes += work.raw.data.length;
      count++;
    }
    const batch = this.queue.splice(0, count);
    this.rows -= rows;
    if (this.queue.length === 0) {
      this.due = false;
      clearTimeout(this.timer);
      this.timer = undefined;
    }
    return batch;
  }

  private send(batch: Work[]): void {
    this.writing++;
    this.options.write(batch).then(
      () => {
        this.writing--;
        if (this.failures > 0) {
          this.failures = 0;
          this.options.onBack();
          this.due = true;
        }
        for (const work of batch) work.done();
        this.pump();
      },
      (error: unknown) => {
        this.writing--;
        this.queue = [...batch, ...this.queue];
        for (const work of batch) this.rows += weight(work);
        this.failures++;
        this.options.onAway(error);
        this.retryLater();
      },
    );
  }

  private retryLater(): void {
    const { first, longest } = this.options.pauseMs ?? { first: 100, longest: 2_000 };
    const pause = Math.min(longest, first * 2 ** Math.min(this.failures - 1, 10));
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.pump(), pause * (0.5 + this.options.random() / 2));
  }
}

/** A statement of large messages ends here instead of at its number of rows. */
const maxBatchBytes = 4_194_304;

/** A message without rows still has something to write. */
function weight(work: Work): number {
  return Math.max(1, work.rows.length);
}
