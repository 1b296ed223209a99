import type { Schema } from './api.ts';

type HistoryPoint = Schema<'HistoryPoint'>;

/** What the device page's chart draws. Pure. */
export type ChartData = { times: number[]; metrics: Map<string, (number | null)[]> };

/** Numeric metrics of history points and live readings by time; a metric that a point lacks is a gap. */
export function chartData(points: readonly HistoryPoint[]): ChartData {
  const times: number[] = [];
  const metrics = new Map<string, (number | null)[]>();
  points.forEach((point, at) => {
    times.push(Date.parse(point.ts) / 1_000);
    const numbers: [string, number][] = point.aggregates
      ? Object.entries(point.aggregates).map(([name, a]) => [name, a.avg])
      : Object.entries(point.values ?? {}).filter((e): e is [string, number] => typeof e[1] === 'number');
    for (const [name, n] of numbers) {
      let column = metrics.get(name);
      if (column === undefined) {
        column = new Array<number | null>(at).fill(null);
        metrics.set(name, column);
      }
      column.push(n);
    }
    for (const column of metrics.values()) if (column.length <= at) column.push(null);
  });
  return { times, metrics };
}

/** Adds a live reading to raw history in time order; the same key twice is one point; the oldest beyond `most` go. */
export function withLive(
  points: readonly HistoryPoint[],
  reading: { ts: number; seq: number; values: Record<string, unknown> },
  most: number,
): HistoryPoint[] {
  const point: HistoryPoint = {
    ts: new Date(reading.ts).toISOString(),
    seq: reading.seq,
    values: reading.values as NonNullable<HistoryPoint['values']>,
  };
  const key = (p: HistoryPoint) => Date.parse(p.ts) * 1_000 + (p.seq ?? 0);
  let at = points.length;
  while (at > 0 && key(points[at - 1] as HistoryPoint) > key(point)) at -= 1;
  const before = points[at - 1];
  if (before !== undefined && key(before) === key(point)) return [...points];
  return [...points.slice(0, at), point, ...points.slice(at)].slice(-most);
}

/** Adds an empty point wherever buckets of `stepMs` are missing, so that a chart shows a gap and not a line across it. */
export function withGaps<T extends { ts: string }>(
  items: readonly T[],
  stepMs: number,
): (T | { ts: string; empty: true })[] {
  const filled: (T | { ts: string; empty: true })[] = [];
  let before: number | undefined;
  for (const item of items) {
    const at = Date.parse(item.ts);
    if (before !== undefined && at - before > stepMs * 1.5)
      filled.push({ ts: new Date(before + stepMs).toISOString(), empty: true });
    filled.push(item);
    before = at;
  }
  return filled;
}
