export type MicroBatchOptions<T> = {
  /** Most items of one write. */
  maxItems: number;
  /** Writes at one time. */
  maxInFlight: number;
  write(items: readonly T[]): Promise<void>;
};

type Waiting<T> = { item: T; done: (error: Error | null) => void };

/**
 * Gathers what comes while earlier writes are on their way and never waits for more: an idle store gets a single item
 * at once, a busy one gets large batches. Every item is settled once, with its own batch's outcome.
 */
export class MicroBatch<T> {
  private readonly options: MicroBatchOptions<T>;
  private waiting: Waiting<T>[] = [];
  private inFlight = 0;

  constructor(options: MicroBatchOptions<T>) {
    this.options = options;
  }

  add(item: T, done: (error: Error | null) => void): void {
    this.waiting.push({ item, done });
    // One turn of the event loop first: what one read of the sockets brought goes together.
    if (this.waiting.length === 1) setImmediate(() => this.flush());
  }

  private flush(): void {
    while (this.inFlight < this.options.maxInFlight && this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.options.maxItems);
      this.inFlight++;
      void this.write(batch);
    }
  }

  private async write(batch: readonly Waiting<T>[]): Promise<void> {
    let failed: Error | null = null;
    try {
      await this.options.write(batch.map(({ item }) => item));
    } catch (error) {
      failed = error instanceof Error ? error : new Error(String(error));
    }
    this.inFlight--;
    for (const { done } of batch) done(failed);
    this.flush();
  }
}
