import type { OutgoingMessage, Published } from '../platform/bus/publisher.ts';
import { MessageRefusedError } from '../platform/bus/publisher.ts';
import { holdFloorMs } from './hold-budget.ts';

/** Where messages go first; the platform's `Publisher` is one. */
export type Bus = {
  readonly state: 'up' | 'away' | 'probing';
  enqueue(message: OutgoingMessage, done: Published): void;
};
/** Where they go while the bus is away, if there is such a place. Calls back when the message is on disk. */
export type Spill = { append(message: OutgoingMessage, done: (error: Error | null) => void): void };

/** The message could not be made durable within its budget: its sender must keep it and send it again. */
export class HeldTooLongError extends Error {
  override readonly name = 'HeldTooLongError';
}

type Held = {
  message: OutgoingMessage;
  receivedAt: number;
  budgetMs: number;
  /** A copy is on its way to the spill log. */
  spilling: boolean;
  done: ((error: Error | null) => void) | undefined;
};

const tickMs = 100;
/** Messages that may always be held while the bus answers, and the wait, in seconds of its pace, that more may make. */
const heldAlways = 2_000;
const heldSeconds = 1;

/**
 * Law 1: calls back only when a message is durable, in the bus or in the spill log. Between the two it holds the message
 * for its budget: with a spill log what cannot go to the bus now goes there at once, and what is on its way to a bus that has
 * stopped answering follows; without one it waits, is tried again
 * when the bus answers a probe, and fails with `HeldTooLongError` at the end of its budget.
 */
export class DurableWrite {
  private readonly bus: Bus;
  private readonly spill: Spill | undefined;
  private readonly now: () => number;
  private readonly held = new Set<Held>();
  private waiting: Held[] = [];
  private bytes = 0;
  private done = 0;
  private perTick = 0;
  private mostHeld = heldAlways;
  private readonly timer: NodeJS.Timeout;

  constructor(bus: Bus, spill: Spill | undefined, now: () => number = Date.now) {
    this.bus = bus;
    this.spill = spill;
    this.now = now;
    // Judged after the sockets were read: an answer that waits there is one.
    this.timer = setInterval(() => setImmediate(() => this.tick()), tickMs);
    this.timer.unref();
  }

  get heldMessages(): number {
    return this.held.size;
  }

  get heldBytes(): number {
    return this.bytes;
  }

  /** Age of the oldest message held, milliseconds. */
  oldestMs(): number {
    const [oldest] = this.held;
    return oldest === undefined ? 0 : this.now() - oldest.receivedAt;
  }

  /**
   * More is held than the bus takes in about a second: a bus that answers is only slow, and messages wait better in the
   * sockets of their senders than here, where their budgets run out. While it is away, holding is for the budgets to end.
   */
  get overloaded(): boolean {
    return this.bus.state === 'up' && this.held.size > this.mostHeld;
  }

  /** `done` is called once and never before this returns. */
  write(message: OutgoingMessage, budgetMs: number, done: (error: Error | null) => void): void {
    const held: Held = { message, receivedAt: this.now(), budgetMs, spilling: false, done };
    this.held.add(held);
    this.bytes += message.data.length;
    if (this.spill !== undefined && this.bus.state !== 'up') this.toSpill(held, this.spill);
    else this.toBus(held);
  }

  /** QoS 0: one try, nothing held beyond it. */
  tryOnce(message: OutgoingMessage, done: (error: Error | null) => void): void {
    const { length } = message.data;
    this.bytes += length;
    this.bus.enqueue(message, (error) => {
      this.bytes -= length;
      done(error);
    });
  }

  /** Tries what waits and ends what is over its budget; runs by itself every 100 ms. */
  tick(): void {
    this.pace();
    this.retry();
    const now = this.now();
    for (const held of this.held) {
      const age = now - held.receivedAt;
      if (age < holdFloorMs) break; // in order of arrival: the rest is younger
      if (held.spilling) continue;
      if (this.spill !== undefined && (age >= held.budgetMs || this.bus.state !== 'up')) this.toSpill(held, this.spill);
      else if (age >= held.budgetMs)
        this.finish(held, new HeldTooLongError(`not durable after ${age} ms, the budget is ${held.budgetMs} ms`));
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** How much a second of the bus's present pace is, smoothed over half a second. */
  private pace(): void {
    this.perTick += 0.2 * (this.done - this.perTick);
    this.done = 0;
    this.mostHeld = Math.max(heldAlways, this.perTick * (1_000 / tickMs) * heldSeconds);
  }

  private toBus(held: Held): void {
    this.bus.enqueue(held.message, (error) => {
      if (held.done === undefined) return;
      if (error === null || error instanceof MessageRefusedError) this.finish(held, error);
      else if (held.spilling) return;
      else if (this.spill !== undefined) this.toSpill(held, this.spill);
      else this.waiting.push(held);
    });
  }

  private toSpill(held: Held, spill: Spill): void {
    held.spilling = true;
    spill.append(held.message, (error) => {
      if (held.done === undefined) return;
      if (error === null) this.finish(held, null);
      else if (this.now() - held.receivedAt >= held.budgetMs)
        this.finish(
          held,
          new HeldTooLongError(`neither bus nor spill log took it: ${error.message}`, { cause: error }),
        );
      else {
        held.spilling = false;
        this.waiting.push(held);
      }
    });
  }

  /** One message while the bus is away, and its answer decides; all once it is up. */
  private retry(): void {
    if (this.waiting.length === 0) return;
    const count = this.bus.state === 'up' ? this.waiting.length : 1;
    for (const held of this.waiting.splice(0, count)) if (held.done !== undefined) this.toBus(held);
  }

  private finish(held: Held, error: Error | null): void {
    const { done } = held;
    held.done = undefined;
    if (error === null) this.done++;
    this.held.delete(held);
    this.bytes -= held.message.data.length;
    done?.(error);
  }
}
