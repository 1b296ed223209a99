/** Anything that becomes due at a time and sits in one `DueBuckets`; the two last fields belong to the structure. */
export type Due = { due: number; bucket: number; slot: number };

/** How late, at most, something due is noticed, in milliseconds. */
export const GRANULARITY_MS = 100;

/**
 * Deadlines by coarse time: add, move and remove in O(1), which matters because a client's first act on every message
 * is to move its deadline. An item is due up to `GRANULARITY_MS` after its time, never before.
 */
export class DueBuckets<T extends Due> {
  readonly #buckets = new Map<number, T[]>();
  /** Binary heap of bucket numbers; may hold numbers of buckets that have since become empty. */
  readonly #heap: number[] = [];

  add(item: T, due: number): void {
    const number = Math.ceil(due / GRANULARITY_MS);
    let bucket = this.#buckets.get(number);
    if (bucket === undefined) {
      bucket = [];
      this.#buckets.set(number, bucket);
      this.#push(number);
    }
    item.due = due;
    item.bucket = number;
    item.slot = bucket.push(item) - 1;
  }

  /** No effect on an item that is in no bucket (`slot` < 0). */
  remove(item: T): void {
    if (item.slot < 0) return;
    const bucket = this.#buckets.get(item.bucket);
    const last = bucket?.pop();
    if (bucket === undefined || last === undefined) throw new Error(`no bucket ${item.bucket} for a due item`);
    if (last !== item) {
      bucket[item.slot] = last;
      last.slot = item.slot;
    }
    item.slot = -1;
  }

  move(item: T, due: number): void {
    if (item.slot >= 0 && Math.ceil(due / GRANULARITY_MS) === item.bucket) {
      item.due = due;
      return;
    }
    this.remove(item);
    this.add(item, due);
  }

  /** Removes and returns what is due at `now`. */
  takeDue(now: number): T[] {
    const due: T[] = [];
    for (let head = this.#heap[0]; head !== undefined && head * GRANULARITY_MS <= now; head = this.#heap[0]) {
      this.#pop();
      for (const item of this.#buckets.get(head) ?? []) {
        item.slot = -1;
        due.push(item);
      }
      this.#buckets.delete(head);
    }
    return due;
  }

  clear(): void {
    for (const bucket of this.#buckets.values()) for (const item of bucket) item.slot = -1;
    this.#buckets.clear();
    this.#heap.length = 0;
  }

  #push(value: number): void {
    const heap = this.#heap;
    let at = heap.push(value) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as number;
      if (above <= value) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = value;
  }

  #pop(): void {
    const heap = this.#heap;
    const value = heap.pop();
    if (value === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
      if ((heap[child] as number) >= value) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = value;
  }
}
