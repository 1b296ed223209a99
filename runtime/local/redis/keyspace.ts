import { CommandError } from './resp.ts';
import { SortedSet } from './sorted-set.ts';

/** Values by type; all strings are byte strings (see resp.ts). */
export type Values = {
  string: { text: string };
  hash: Map<string, string>;
  set: Set<string>;
  zset: SortedSet;
  list: string[];
};
export type Kind = keyof Values;

type Entry = {
  /** Grows with every key created; SCAN's cursor. Kept when the value is replaced. */
  id: number;
  kind: Kind;
  value: Values[Kind];
  /** Epoch ms, or null. */
  expiresAt: number | null;
  bytes: number;
};

/** Estimated bytes that a key, and each element of it, costs beside its text. */
const keyOverhead = 96;
export const elementOverhead = 48;

const fresh: { [K in Kind]: () => Values[K] } = {
  string: () => ({ text: '' }),
  hash: () => new Map(),
  set: () => new Set(),
  zset: () => new SortedSet(),
  list: () => [],
};

export const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';

/**
 * The keys of the stand-in: typed values, expiry, an estimate of the memory they take, and word to whoever watches a key.
 * An expired key is gone for every reader at once (lazily); `expireSome` frees those that nobody reads.
 */
export class Keyspace {
  readonly #entries = new Map<string, Entry>();
  readonly #expiring = new Set<string>();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #clock: () => number;
  #sweep: Iterator<string> = [].values();
  /** SCAN cursors that can go on where they stopped, by cursor; others count from the start. Oldest first. */
  readonly #cursors = new Map<number, Iterator<[string, Entry]>>();
  #nextId = 1;
  #bytes = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  get now(): number {
    return this.#clock();
  }

  /** Estimated bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get expiringSize(): number {
    return this.#expiring.size;
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt === null || entry.expiresAt > this.#clock()) return entry;
    this.delete(key);
    return undefined;
  }

  kind(key: string): Kind | undefined {
    return this.#live(key)?.kind;
  }

  /** The value to read. @throws WRONGTYPE when the key holds another kind. */
  read<K extends Kind>(key: string, kind: K): Values[K] | undefined {
    const entry = this.#live(key);
    if (entry === undefined) return undefined;
    if (entry.kind !== kind) throw new CommandError(wrongType);
    return entry.value as Values[K];
  }

  /** The value to change, made when absent. Follow with `changed`. @throws WRONGTYPE */
  open<K extends Kind>(key: string, kind: K): Values[K] {
    return this.read(key, kind) ?? this.replace(key, kind, fresh[kind](), null);
  }

  /** Puts a value in place of whatever was there. Follow with `changed`. */
  replace<K extends Kind>(key: string, kind: K, value: Values[K], expiresAt: number | null): Values[K] {
    const old = this.#live(key);
    const bytes = keyOverhead + key.length;
    this.#bytes += bytes - (old?.bytes ?? 0);
    this.#entries.set(key, { id: old?.id ?? this.#nextId++, kind, value, expiresAt: null, bytes });
    this.#expiring.delete(key);
    if (expiresAt !== null) this.expire(key, expiresAt);
    return value;
  }

  /** Tells that the key's value changed by `deltaBytes`; a collection left empty is deleted, as Redis does. */
  changed(key: string, deltaBytes: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.bytes += deltaBytes;
    this.#bytes += deltaBytes;
    if (isEmpty(entry)) this.delete(key);
    else this.#wake(key);
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#expiring.delete(key);
    this.#bytes -= entry.bytes;
    this.#wake(key);
    return true;
  }

  flush(): void {
    for (const key of this.#watchers.keys()) if (this.#entries.has(key)) this.#wake(key);
    this.#entries.clear();
    this.#expiring.clear();
    this.#cursors.clear();
    this.#sweep = [].values();
    this.#bytes = 0;
  }

  expiresAt(key: string): number | null | undefined {
    return this.#live(key)?.expiresAt;
  }

  /** Sets (epoch ms) or clears (null) a live key's end; an end in the past deletes it. */
  expire(key: string, at: number | null): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.expiresAt = at;
    if (at === null) this.#expiring.delete(key);
    else this.#expiring.add(key);
    if (at !== null && at <= this.#clock()) this.delete(key);
    else this.#wake(key);
  }

  /** Looks at up to `limit` keys that can expire, from where the last call stopped. @returns looked at, and freed. */
  expireSome(limit: number): { seen: number; freed: number } {
    let [seen, freed] = [0, 0];
    while (seen < Math.min(limit, this.#expiring.size + freed)) {
      const { value: key, done } = this.#sweep.next();
      if (done) {
        if (this.#expiring.size === 0) break;
        this.#sweep = this.#expiring.values();
        continue;
      }
      seen += 1;
      if (this.#live(key) === undefined) freed += 1;
    }
    return { seen, freed };
  }

  *keys(): Generator<string> {
    for (const key of this.#entries.keys()) if (this.#live(key) !== undefined) yield key;
  }

  /**
   * Up to `count` keys after `cursor`, and the next cursor (0: all seen). A key that lives from the first call to the last
   * is given once; keys made or replaced meanwhile may or may not be.
   */
  scan(cursor: number, count: number): { cursor: number; keys: string[] } {
    const remembered = this.#cursors.get(cursor);
    this.#cursors.delete(cursor);
    const entries = remembered ?? this.#entries.entries();
    const keys: string[] = [];
    for (;;) {
      const { value, done } = entries.next();
      if (done) return { cursor: 0, keys };
      const [key, entry] = value;
      if (entry.id <= cursor || this.#live(key) === undefined) continue;
      keys.push(key);
      if (keys.length >= count) {
        this.#cursors.set(entry.id, entries);
        const [oldest] = this.#cursors.keys();
        if (this.#cursors.size > 64 && oldest !== undefined) this.#cursors.delete(oldest);
        return { cursor: entry.id, keys };
      }
    }
  }

  /** Calls `wake` at every change of the key, its expiry included, until the returned function is called. */
  watch(key: string, wake: () => void): () => void {
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(wake));
    return () => {
      watchers.delete(wake);
      if (watchers.size === 0 && this.#watchers.get(key) === watchers) this.#watchers.delete(key);
    };
  }

  #wake(key: string): void {
    const watchers = this.#watchers.get(key);
    if (watchers !== undefined) for (const wake of watchers) wake();
  }
}

function isEmpty({ kind, value }: Entry): boolean {
  if (kind === 'string') return false;
  return kind === 'list' ? (value as string[]).length === 0 : (value as Map<string, string>).size === 0;
}
