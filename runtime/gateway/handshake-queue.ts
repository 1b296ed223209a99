import { TokenBucket } from './token-bucket.ts';

export type HandshakeLimits = {
  /** Handshakes begun a second, and in progress at one time, over all addresses. */
  perSecond: number;
  inProgress: number;
  /** Connections of one address: handshakes in progress at one time, and new connections a second. */
  inProgressPerAddress: number;
  connectionsPerSecondPerAddress: number;
};

/** Why a connection is closed instead of waiting: all places are taken, or those that one address may have. */
export type TurnedAway = 'handshake-rate' | 'address-rate' | 'address-waiting';

/** One connection before its handshake has ended. */
export type Place<T> = { readonly item: T; readonly source: Source<T>; state: 'waiting' | 'started' | 'over' };
type Source<T> = { address: string; rate: TokenBucket; inProgress: number; waiting: Set<Place<T>> };

/** Connections that wait for their handshake; beyond it they are turned away, which a device's back-off answers. */
export const maxWaiting = 2_048;
/** Of these for one address: the others find a place also while one floods the port. */
export const maxWaitingPerAddress = 1_536;
/** Addresses remembered that have nothing open. Forgetting one forgives what it has used of its rate. */
const maxIdleSources = 10_000;

/**
 * Which connection begins its TLS handshake when. The rate and the number in progress are limited over all, and for each
 * source address, so that one that opens connections and says nothing cannot hold every place; addresses that wait take
 * turns. Pure: time comes in. Bounded: what is open by `maxWaiting`, the rest by `maxIdleSources`, the longest idle first.
 */
export class HandshakeQueue<T> {
  private readonly limits: HandshakeLimits;
  private readonly rate: TokenBucket;
  private readonly sources = new Map<string, Source<T>>();
  /** Addresses with a connection that may begin, in the order of their turns. */
  private readonly turns = new Set<Source<T>>();
  private readonly idle = new Set<Source<T>>();
  private started = 0;
  private waitingCount = 0;

  constructor(limits: HandshakeLimits, now: number) {
    this.limits = limits;
    this.rate = new TokenBucket(limits.perSecond, now, 1);
  }

  get inProgress(): number {
    return this.started;
  }

  get waiting(): number {
    return this.waitingCount;
  }

  /** Addresses remembered. */
  get addresses(): number {
    return this.sources.size;
  }

  /** A connection from `address` came in: `next` says when it begins. */
  add(item: T, address: string, now: number): Place<T> | TurnedAway {
    const source = this.sourceOf(address, now);
    if (!source.rate.take(now)) return this.turnAway(source, 'address-rate');
    if (source.waiting.size >= maxWaitingPerAddress) return this.turnAway(source, 'address-waiting');
    if (this.waitingCount >= maxWaiting) return this.turnAway(source, 'handshake-rate');
    const place: Place<T> = { item, source, state: 'waiting' };
    source.waiting.add(place);
    this.waitingCount++;
    this.idle.delete(source);
    this.queue(source);
    return place;
  }

  /** The next connection that may begin its handshake now. */
  next(now: number): Place<T> | undefined {
    const [source] = this.turns;
    if (source === undefined || this.started >= this.limits.inProgress || !this.rate.take(now)) return undefined;
    const [place] = source.waiting as Set<Place<T>>;
    if (place === undefined) return undefined;
    source.waiting.delete(place);
    this.waitingCount--;
    place.state = 'started';
    this.started++;
    source.inProgress++;
    this.turns.delete(source);
    this.queue(source); // behind the others
    return place;
  }

  /** Its handshake has ended one way or the other, or it went away while it waited. May be called again. */
  over(place: Place<T>): void {
    const { source, state } = place;
    if (state === 'over') return;
    place.state = 'over';
    if (state === 'started') {
      this.started--;
      source.inProgress--;
      this.queue(source);
    } else {
      source.waiting.delete(place);
      this.waitingCount--;
      if (source.waiting.size === 0) this.turns.delete(source);
    }
    this.rest(source);
  }

  private queue(source: Source<T>): void {
    if (source.waiting.size > 0 && source.inProgress < this.limits.inProgressPerAddress) this.turns.add(source);
  }

  private turnAway(source: Source<T>, why: TurnedAway): TurnedAway {
    this.rest(source);
    return why;
  }

  private sourceOf(address: string, now: number): Source<T> {
    const known = this.sources.get(address);
    if (known !== undefined) return known;
    const rate = new TokenBucket(this.limits.connectionsPerSecondPerAddress, now);
    const source: Source<T> = { address, rate, inProgress: 0, waiting: new Set() };
    this.sources.set(address, source);
    return source;
  }

  /** Remembers the source as idle once nothing of it is open; the longest idle one goes. */
  private rest(source: Source<T>): void {
    if (source.inProgress > 0 || source.waiting.size > 0) return;
    this.idle.delete(source);
    this.idle.add(source);
    if (this.idle.size <= maxIdleSources) return;
    const [oldest] = this.idle;
    if (oldest === undefined) return;
    this.idle.delete(oldest);
    this.sources.delete(oldest.address);
  }
}
