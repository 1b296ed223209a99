import type { Sample } from '../../platform/http/prometheus-text.ts';

/** Cumulative counts of a Prometheus histogram by upper bound, in order; the last bound is Infinity. */
export type Histogram = readonly { le: number; count: number }[];

/** A histogram of an exposition, summed over its labels. */
export function histogramOf(samples: readonly Sample[], name: string): Histogram {
  const counts = new Map<number, number>();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket`) continue;
    const le = sample.labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(sample.labels['le']);
    if (!Number.isNaN(le)) counts.set(le, (counts.get(le) ?? 0) + sample.value);
  }
  return [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le);
}

/** A counter of an exposition, summed over its labels; undefined when it is not there. */
export function counterOf(samples: readonly Sample[], name: string): number | undefined {
  const found = samples.filter((sample) => sample.name === name);
  return found.length === 0 ? undefined : found.reduce((sum, sample) => sum + sample.value, 0);
}

/** What was observed between two scrapes. A histogram that went down belongs to a new process: all of it is new. */
export function between(before: Histogram, after: Histogram): Histogram {
  const earlier = new Map(before.map(({ le, count }) => [le, count]));
  const restarted = after.some(({ le, count }) => count < (earlier.get(le) ?? 0));
  return restarted ? after : after.map(({ le, count }) => ({ le, count: count - (earlier.get(le) ?? 0) }));
}

/** Histograms of several processes as one. Bounds are the same everywhere: they come from the same code. */
export function sumOf(histograms: readonly Histogram[]): Histogram {
  const counts = new Map<number, number>();
  for (const { le, count } of histograms.flat()) counts.set(le, (counts.get(le) ?? 0) + count);
  return [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le);
}

/**
 * A quantile, in the histogram's unit, as Prometheus estimates it: evenly spread inside a bucket
 * (https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile). Beyond the last finite bound
 * it is that bound.
 * @param q 0 to 1.
 * @returns null when nothing was observed.
 */
export function quantile(histogram: Histogram, q: number): number | null {
  const total = histogram.at(-1)?.count ?? 0;
  if (total <= 0) return null;
  const rank = q * total;
  let lower = { le: 0, count: 0 };
  for (const bucket of histogram) {
    if (bucket.count >= rank && bucket.count > lower.count) {
      if (bucket.le === Number.POSITIVE_INFINITY) return lower.le;
      return lower.le + (bucket.le - lower.le) * ((rank - lower.count) / (bucket.count - lower.count));
    }
    lower = bucket;
  }
  return lower.le;
}
