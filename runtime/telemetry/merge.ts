/**
 * One sorted page out of several that are each sorted: the first `count` of all, in order. Each source must hold its
 * own first `count`, so nothing is missed.
 * @param order negative when `a` comes first; total, so that no two items are equal.
 */
export function mergeSorted<T>(sources: readonly (readonly T[])[], order: (a: T, b: T) => number, count: number): T[] {
  const at = sources.map(() => 0);
  const merged: T[] = [];
  while (merged.length < count) {
    let best = -1;
    for (let s = 0; s < sources.length; s++) {
      const candidate = sources[s]?.[at[s] ?? 0];
      if (candidate === undefined) continue;
      const leader = best === -1 ? undefined : sources[best]?.[at[best] ?? 0];
      if (leader === undefined || order(candidate, leader) < 0) best = s;
    }
    const next = best === -1 ? undefined : sources[best]?.[at[best] ?? 0];
    if (next === undefined) break;
    merged.push(next);
    at[best] = (at[best] ?? 0) + 1;
  }
  return merged;
}

/** Newest first; of one moment by id. Times are `MicroTime` text, whose order is the order of time. */
export function newestFirst(a: { at: string; id: string }, b: { at: string; id: string }): number {
  if (a.at !== b.at) return a.at > b.at ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
