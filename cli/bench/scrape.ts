/** Samples of a Prometheus text page that a benchmark reads: name with its labels, and value. Pure. */
export function parseSamples(text: string): { name: string; labels: Record<string, string>; value: number }[] {
  const samples = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null) continue;
    const labels: Record<string, string> = {};
    for (const pair of (match[2] ?? '').matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g))
      labels[pair[1] as string] = pair[2] as string;
    samples.push({ name: match[1] as string, labels, value: Number(match[3]) });
  }
  return samples;
}

export type Samples = ReturnType<typeof parseSamples>;

/** @throws when the page is not there; the message names it. */
export async function scrape(url: string): Promise<Samples> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return parseSamples(await response.text());
}

/** Sum of a metric over the samples whose labels match; 0 when there are none. */
export function total(samples: Samples, name: string, labels: Record<string, string> = {}): number {
  return samples
    .filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v))
    .reduce((sum, s) => sum + s.value, 0);
}

/**
 * Upper bound of a quantile of what a histogram counted between two scrapes, in the histogram's unit: the bucket that
 * holds it, and the share of observations at or below that bound.
 */
export function quantileBetween(before: Samples, after: Samples, name: string, q: number): number {
  const buckets = new Map<number, number>();
  const add = (samples: Samples, sign: number) => {
    for (const s of samples) {
      if (s.name !== `${name}_bucket`) continue;
      const le = Number(s.labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : s.labels['le']);
      buckets.set(le, (buckets.get(le) ?? 0) + sign * s.value);
    }
  };
  add(after, 1);
  add(before, -1);
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const all = sorted.at(-1)?.[1] ?? 0;
  if (all === 0) return Number.NaN;
  return sorted.find(([, count]) => count >= q * all)?.[0] ?? Number.NaN;
}
