/**
 * Readings that the platform has not acknowledged yet, oldest first, within bounds. Pure: no clock, no disk. What is
 * given up to stay within the bounds is handed to the caller, never silently lost.
 */
export type BufferBounds = {
  readings: number;
  /** Sum of the encoded readings' lengths. */
  bytes: number;
  /** Which reading is given up when the buffer is full. One in flight is never dropped: it may be stored already. */
  whenFull: 'drop-oldest' | 'drop-newest';
};

/** A reading as buffered: its number and its encoded text. */
export type Buffered = { seq: number; text: string };

export type ReadingBuffer<T extends Buffered> = {
  /** Takes a reading in; returns what was given up for it, which is the reading itself when nothing else can go. */
  add(item: T): T[];
  /** The oldest waiting readings, at most `count` and `bytes` of them (at least one if any waits), now in flight. */
  take(count: number, bytes: number): T[];
  /** The platform has these: they leave the buffer. Returns those that were still here. */
  acknowledge(items: readonly T[]): T[];
  /** The connection ended: everything in flight waits again, in the order of its numbers. */
  giveBack(): void;
  readonly waiting: number;
  readonly inFlight: number;
  readonly bytes: number;
};

export const defaultBounds: BufferBounds = { readings: 10_000, bytes: 4 * 1024 * 1024, whenFull: 'drop-oldest' };

export function createBuffer<T extends Buffered>(bounds: BufferBounds): ReadingBuffer<T> {
  let queue: T[] = [];
  let head = 0;
  const flying = new Map<number, T>();
  let bytes = 0;

  const waiting = () => queue.length - head;
  const shift = (): T => {
    const item = queue[head++] as T;
    if (head > 1_024 && head * 2 > queue.length) {
      queue = queue.slice(head);
      head = 0;
    }
    return item;
  };
  const fits = (length: number) => waiting() + flying.size < bounds.readings && bytes + length <= bounds.bytes;

  return {
    add(item) {
      const length = item.text.length;
      const dropped: T[] = [];
      if (bounds.whenFull === 'drop-oldest' && length <= bounds.bytes) {
        while (!fits(length) && waiting() > 0) {
          const oldest = shift();
          bytes -= oldest.text.length;
          dropped.push(oldest);
        }
      }
      if (!fits(length)) return [...dropped, item];
      queue.push(item);
      bytes += length;
      return dropped;
    },
    take(count, most) {
      const taken: T[] = [];
      let size = 0;
      while (taken.length < count && waiting() > 0) {
        const next = queue[head] as T;
        if (taken.length > 0 && size + next.text.length > most) break;
        size += next.text.length;
        flying.set(next.seq, next);
        taken.push(shift());
      }
      return taken;
    },
    acknowledge(items) {
      return items.filter((item) => {
        if (!flying.delete(item.seq)) return false;
        bytes -= item.text.length;
        return true;
      });
    },
    giveBack() {
      if (flying.size === 0) return;
      const back = [...flying.values()].sort((a, b) => a.seq - b.seq);
      flying.clear();
      queue = [...back, ...queue.slice(head)];
      head = 0;
    },
    get waiting() {
      return waiting();
    },
    get inFlight() {
      return flying.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
