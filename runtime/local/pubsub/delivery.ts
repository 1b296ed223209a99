import { backoffMs, type RetryPolicy } from './backoff.ts';
import { type Due, DueBuckets } from './due-buckets.ts';

/**
 * The part of one subscription that decides: which message may go out, to whom it is leased and until when, what a
 * failed delivery leads to, which key is blocked. No I/O; time is an argument.
 *
 * It holds a window of the backlog, never all of it: `room` says how many rows the caller may load, `cursor` how far it
 * has loaded. For an ordered subscription one key may take `keyWindow` places only, so that a blocked key with a
 * million messages does not hide the other keys; the rest of that key is loaded later by `keyRefills`.
 */

/** A backlog row as stored: failed attempts so far and the earliest time (epoch ms) of the next delivery. */
export type Row = {
  readonly id: number;
  readonly bytes: number;
  readonly key: string | undefined;
  readonly attempts: number;
  readonly notBefore: number;
  readonly body?: Uint8Array | undefined;
};

/** Whoever holds leases: told when one ends, so that its flow control can go on. */
export type Owner = { released(entry: Entry): void };

export type Entry = Due & {
  readonly id: number;
  readonly bytes: number;
  readonly key: string | undefined;
  state: 'ready' | 'held' | 'leased' | 'delayed' | 'leaving' | 'gone';
  attempts: number;
  lease: number;
  owner: Owner | undefined;
  /** The stored message, while it is kept in memory between publish and first delivery. */
  body: Uint8Array | undefined;
};

export type Policy = {
  readonly ordered: boolean;
  readonly retry: RetryPolicy | undefined;
  /** Deliveries after which a failing message leaves for the dead letters; undefined: never. */
  readonly maxAttempts: number | undefined;
};

export type Limits = {
  /** Undelivered messages in memory. */
  readonly window: number;
  /** Leased and delayed messages in memory; at this many the subscription stops delivering. */
  readonly outstanding: number;
  /** Of these, undelivered ones of one ordering key. */
  readonly keyWindow: number;
  /** Bytes of message bodies kept from publish until first delivery; bodies beyond are read from the store. */
  readonly bodyBytes: number;
};

export const DEFAULT_LIMITS: Limits = {
  window: 20_000,
  outstanding: 100_000,
  keyWindow: 200,
  bodyBytes: 8 * 1024 * 1024,
};

/** A failed delivery's outcome: `retry` (row's new attempts and earliest time) or `leave` for the dead letters. */
export type Failure = { readonly kind: 'retry' | 'leave'; readonly entry: Entry; readonly notBefore: number };

/** `last`: highest id ever admitted; `deferred`: stored rows between `last` and the cursor were passed over. */
type Key = { readonly queue: Entry[]; deferred: boolean; last: number };

export class DeliveryQueue {
  cursor = 0;
  #policy: Policy;
  readonly #limits: Limits;
  readonly #entries = new Map<number, Entry>();
  readonly #timers = new DueBuckets<Entry>();
  readonly #keys = new Map<string, Key>();
  readonly #wanting = new Set<string>();
  readonly #fresh: Fifo<Entry> = new Fifo();
  readonly #again: Fifo<Entry> = new Fifo();
  #turn = false;
  #undelivered = 0;
  #bodyBytes = 0;
  #nextLease: number;

  /** `firstLease`: lease numbers grow from here; a restarted server starts above all earlier ones. */
  constructor(policy: Policy, firstLease: number, limits: Limits = DEFAULT_LIMITS) {
    this.#policy = policy;
    this.#limits = limits;
    this.#nextLease = firstLease;
  }

  configure(policy: Policy): void {
    this.#policy = policy;
  }

  /** Messages out with someone or waiting for their back-off. */
  get outstanding(): number {
    return this.#entries.size - this.#undelivered;
  }

  /** Messages in memory, whatever their state. */
  get size(): number {
    return this.#entries.size;
  }

  /** How many rows may be loaded now. */
  get room(): number {
    return Math.max(0, this.#limits.window - this.#undelivered);
  }

  get deliverable(): boolean {
    return (this.#fresh.size > 0 || this.#again.size > 0) && this.outstanding < this.#limits.outstanding;
  }

  /** Takes rows with ids above `cursor`, ascending, and moves `cursor`. */
  load(rows: readonly Row[], now: number): void {
    for (const row of rows) {
      if (row.id <= this.cursor) throw new RangeError(`row ${row.id} is not above the cursor ${this.cursor}`);
      this.cursor = row.id;
      if (!this.#entries.has(row.id)) this.#admit(row, now);
    }
  }

  /** Ordering keys with stored rows that were passed over, and room for them again: load above `after`, up to `upTo`. */
  keyRefills(): { key: string; after: number; upTo: number; limit: number }[] {
    if (this.#wanting.size === 0) return [];
    const wanted = [];
    for (const name of this.#wanting) {
      const after = this.#keys.get(name)?.last ?? 0;
      wanted.push({ key: name, after, upTo: this.cursor, limit: this.#limits.keyWindow });
    }
    return wanted;
  }

  /** The answer to one of `keyRefills`; fewer rows than its limit mean that the key is whole again. */
  loadKey(key: string, rows: readonly Row[], now: number): void {
    this.#wanting.delete(key);
    const state = this.#keys.get(key);
    if (state !== undefined) state.deferred = false;
    for (const row of rows) if (!this.#entries.has(row.id)) this.#admit(row, now);
    const filled = this.#keys.get(key);
    if (filled === undefined) return;
    if (rows.length >= this.#limits.keyWindow) filled.deferred = true;
    else if (filled.queue.length === 0) this.#keys.delete(key);
  }

  /** Leases up to `max` messages or about `maxBytes` (at least one) to `owner` until `now + deadlineMs`. */
  take(max: number, maxBytes: number, now: number, deadlineMs: number, owner: Owner | undefined): Entry[] {
    const taken: Entry[] = [];
    let bytes = 0;
    while (taken.length < max && bytes < maxBytes && this.outstanding < this.#limits.outstanding) {
      const entry = this.#nextReady();
      if (entry === undefined) break;
      entry.state = 'leased';
      entry.owner = owner;
      entry.lease = this.#nextLease++;
      this.#undelivered -= 1;
      this.#timers.add(entry, now + deadlineMs);
      bytes += entry.bytes;
      taken.push(entry);
    }
    return taken;
  }

  /** The body kept since publish, once; undefined means that it is to be read from the store. */
  takeBody(entry: Entry): Uint8Array | undefined {
    const body = entry.body;
    if (body === undefined) return undefined;
    entry.body = undefined;
    this.#bodyBytes -= body.length;
    return body;
  }

  /** Ends the message here, whatever its state: a late acknowledgement counts too. */
  acknowledge(id: number): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#remove(entry);
    return entry;
  }

  /** Moves a lease's end; false when this lease is no longer the current one. */
  extend(id: number, lease: number, due: number): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.state !== 'leased' || entry.lease !== lease) return false;
    this.#timers.move(entry, due);
    return true;
  }

  /** A nack. Undefined when this lease is no longer the current one. */
  fail(id: number, lease: number, now: number): Failure | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.state !== 'leased' || entry.lease !== lease) return undefined;
    this.#timers.remove(entry);
    return this.#failed(entry, now);
  }

  /** Ends back-offs and leases that are over at `now`; returns what the ended leases lead to. */
  expire(now: number): Failure[] {
    const failures: Failure[] = [];
    for (const entry of this.#timers.takeDue(now)) {
      if (entry.state === 'leased') failures.push(this.#failed(entry, now));
      else if (entry.state === 'delayed') this.#wait(entry, now, now);
    }
    return failures;
  }

  /** After a `leave` that did not come to pass: the message waits for another delivery instead. */
  stay(entry: Entry, now: number): number {
    if (entry.state !== 'leaving') return 0;
    const notBefore = now + backoffMs(this.#policy.retry, entry.attempts);
    this.#wait(entry, notBefore, now);
    return notBefore;
  }

  /** Forgets messages below `id` (purged by retention or seek). */
  dropBelow(id: number): void {
    for (const entry of [...this.#entries.values()]) if (entry.id < id) this.#remove(entry);
  }

  /** Forgets everything in memory and starts again from the first stored row. */
  reset(): void {
    for (const entry of this.#entries.values()) this.#release(entry, 'gone');
    this.#entries.clear();
    this.#timers.clear();
    this.#keys.clear();
    this.#wanting.clear();
    this.#fresh.clear();
    this.#again.clear();
    this.#undelivered = 0;
    this.#bodyBytes = 0;
    this.cursor = 0;
  }

  #admit(row: Row, now: number): void {
    const key = this.#policy.ordered ? row.key : undefined;
    let state = key === undefined ? undefined : this.#keys.get(key);
    if (state !== undefined && (state.deferred || state.queue.length >= this.#limits.keyWindow)) {
      state.deferred = true;
      return;
    }
    const entry: Entry = {
      id: row.id,
      bytes: row.bytes,
      key,
      state: 'held',
      attempts: row.attempts,
      lease: 0,
      owner: undefined,
      body: undefined,
      due: 0,
      bucket: 0,
      slot: -1,
    };
    this.#entries.set(row.id, entry);
    if (row.body !== undefined && this.#bodyBytes + row.body.length <= this.#limits.bodyBytes) {
      entry.body = row.body;
      this.#bodyBytes += row.body.length;
    }
    this.#undelivered += 1;
    if (key !== undefined) {
      if (state === undefined) {
        state = { queue: [], deferred: false, last: 0 };
        this.#keys.set(key, state);
      }
      state.last = row.id;
      if (state.queue.push(entry) > 1) return;
    }
    this.#wait(entry, row.notBefore, now);
  }

  /** Makes `entry` deliverable at `notBefore`. */
  #wait(entry: Entry, notBefore: number, now: number): void {
    const counted = entry.state === 'held' || entry.state === 'ready';
    if (notBefore > now) {
      if (counted) this.#undelivered -= 1;
      entry.state = 'delayed';
      this.#timers.add(entry, notBefore);
      return;
    }
    if (!counted) this.#undelivered += 1;
    entry.state = 'ready';
    (entry.attempts > 0 ? this.#again : this.#fresh).push(entry);
  }

  #failed(entry: Entry, now: number): Failure {
    this.#release(entry, 'leaving');
    entry.attempts += 1;
    const { maxAttempts, retry } = this.#policy;
    if (maxAttempts !== undefined && entry.attempts >= maxAttempts) return { kind: 'leave', entry, notBefore: 0 };
    const notBefore = now + backoffMs(retry, entry.attempts);
    this.#wait(entry, notBefore, now);
    return { kind: 'retry', entry, notBefore: notBefore > now ? notBefore : 0 };
  }

  /** Redeliveries and first deliveries take turns: neither starves the other. */
  #nextReady(): Entry | undefined {
    this.#turn = !this.#turn;
    const [first, second] = this.#turn ? [this.#again, this.#fresh] : [this.#fresh, this.#again];
    return takeReady(first) ?? takeReady(second);
  }

  #remove(entry: Entry): void {
    if (entry.state === 'held' || entry.state === 'ready') this.#undelivered -= 1;
    this.#timers.remove(entry);
    this.takeBody(entry);
    this.#release(entry, 'gone');
    this.#entries.delete(entry.id);
    if (entry.key !== undefined) this.#leaveKey(entry, entry.key);
  }

  #leaveKey(entry: Entry, name: string): void {
    const key = this.#keys.get(name);
    if (key === undefined) return;
    const at = key.queue.indexOf(entry);
    if (at >= 0) key.queue.splice(at, 1);
    const next = key.queue[0];
    if (at === 0 && next !== undefined && next.state === 'held') {
      next.state = 'ready';
      (next.attempts > 0 ? this.#again : this.#fresh).push(next);
    }
    if (key.deferred && key.queue.length <= this.#limits.keyWindow / 2) this.#wanting.add(name);
    else if (next === undefined) this.#keys.delete(name);
  }

  #release(entry: Entry, state: Entry['state']): void {
    entry.state = state;
    const owner = entry.owner;
    entry.owner = undefined;
    owner?.released(entry);
  }
}

function takeReady(fifo: Fifo<Entry>): Entry | undefined {
  for (;;) {
    const entry = fifo.shift();
    if (entry === undefined || entry.state === 'ready') return entry;
  }
}

/** First in, first out, in amortised constant time (`Array.shift` moves everything). */
class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
