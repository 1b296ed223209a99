import type { LifecycleEvent } from '../contracts/bus.ts';
import { BusAwayError, type Publisher } from '../platform/bus/publisher.ts';
import type { Log } from '../platform/service/log.ts';

const mostQueued = 50_000;
const mostInFlight = 1_000;
const retryMs = 1_000;

/** Connects and disconnects on the bus: best effort, bounded, kept while the bus is away. The oldest go first. */
export class Lifecycle {
  private readonly publisher: Publisher;
  private readonly log: Log;
  private queue: LifecycleEvent[] = [];
  private inFlight = 0;
  private dropped = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(publisher: Publisher, log: Log) {
    this.publisher = publisher;
    this.log = log;
    this.timer = setInterval(() => this.retry(), retryMs);
    this.timer.unref();
  }

  add(event: LifecycleEvent): void {
    if (this.queue.length >= mostQueued) {
      this.queue.shift();
      this.dropped++;
    }
    this.queue.push(event);
    this.send();
  }

  /** Waits for what is on its way, at most `ms`. */
  async stop(ms: number): Promise<void> {
    clearInterval(this.timer);
    this.send();
    const timer = { id: undefined as NodeJS.Timeout | undefined };
    const late = new Promise<void>((resolve) => {
      timer.id = setTimeout(resolve, ms);
    });
    await Promise.race([this.publisher.stop(), late]);
    clearTimeout(timer.id);
    if (this.queue.length > 0) this.log.warn({ events: this.queue.length }, 'lifecycle events not sent before the end');
  }

  private retry(): void {
    if (this.dropped > 0) this.log.warn({ events: this.dropped }, 'lifecycle events dropped, the bus is away too long');
    this.dropped = 0;
    this.send();
  }

  private send(): void {
    while (this.queue.length > 0 && this.inFlight < mostInFlight && this.publisher.admits()) {
      const event = this.queue.shift();
      if (event === undefined) return;
      this.inFlight++;
      const attributes = { v: '1', tenant: event.tenant, device: event.device, event: event.event };
      this.publisher.enqueue({ data: Buffer.from(JSON.stringify(event)), attributes }, (error) => {
        this.inFlight--;
        if (error instanceof BusAwayError) this.queue.push(event);
        else if (error !== null) this.log.error({ error, event }, 'lifecycle event refused by the bus');
        else if (this.queue.length > 0) this.send();
      });
    }
  }
}
