import { metricNames } from '../../contracts/metrics.ts';
import type { Exposition } from '../../platform/http/prometheus-text.ts';

/** What one scrape says of a part, summed over labels. */
export type Scrape = {
  /** Monotonic milliseconds of the scrape. */
  at: number;
  counters: ReadonlyMap<string, number>;
  gauges: ReadonlyMap<string, number>;
  cpuSeconds: number | null;
  rssBytes: number | null;
  /** Epoch seconds. */
  startedAt: number | null;
};

const requestCount = 'iot_http_request_seconds_count';
const most = 64;
const own = /^iot_[a-z0-9_]+$/;

/** Sums a part's own (`iot_…`) counters and gauges, and takes Node's process metrics. Histograms are left out. */
export function toScrape({ samples, types }: Exposition, at: number): Scrape {
  const counters = new Map<string, number>();
  const gauges = new Map<string, number>();
  const single = new Map<string, number>();
  for (const { name, value } of samples) {
    if (!Number.isFinite(value)) continue;
    if (!own.test(name)) {
      single.set(name, value);
      continue;
    }
    // Of a histogram only the count of what was served is a rate that a person reads; the other counts repeat a counter.
    const kind = name === requestCount ? 'counter' : types.get(name);
    const sums = kind === 'counter' ? counters : kind === 'gauge' ? gauges : undefined;
    if (sums === undefined || (!sums.has(name) && sums.size >= most)) continue;
    sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return {
    at,
    counters,
    gauges,
    cpuSeconds: single.get('process_cpu_seconds_total') ?? null,
    rssBytes: single.get('process_resident_memory_bytes') ?? null,
    startedAt: single.get('process_start_time_seconds') ?? null,
  };
}

/** Rates between two scrapes. A counter that went down is that of a restarted process: no rate, not a negative one. */
export function ratesBetween(
  before: Scrape | undefined,
  now: Scrape,
): { rates: Record<string, number>; cpu: number | null } {
  const seconds = before === undefined ? 0 : (now.at - before.at) / 1_000;
  if (before === undefined || seconds <= 0) return { rates: {}, cpu: null };
  const rates: Record<string, number> = {};
  for (const [name, value] of now.counters) {
    const earlier = before.counters.get(name) ?? 0;
    if (value >= earlier) rates[shortName(name)] = round((value - earlier) / seconds);
  }
  const cpu =
    now.cpuSeconds !== null && before.cpuSeconds !== null && now.cpuSeconds >= before.cpuSeconds
      ? round((now.cpuSeconds - before.cpuSeconds) / seconds)
      : null;
  return { rates, cpu };
}

export function gaugesOf(now: Scrape): Record<string, number> {
  return Object.fromEntries([...now.gauges].map(([name, value]) => [shortName(name), round(value)]));
}

/** Metrics that the dashboard draws have short names of their own; others lose what all have. */
const shortNames = new Map<string, string>([
  [metricNames.gateway.received, 'received'],
  [metricNames.gateway.acknowledged, 'acknowledged'],
  [metricNames.gateway.refused, 'refused'],
  [metricNames.processor.received, 'received'],
  [metricNames.processor.stored, 'stored'],
  [metricNames.processor.duplicates, 'duplicates'],
  [metricNames.processor.deadLetters, 'deadLetters'],
  [metricNames.pubsub.published, 'published'],
  [metricNames.pubsub.acknowledged, 'acknowledged'],
  [metricNames.pubsub.backlog, 'backlog'],
  [requestCount, 'requests'],
]);

export function shortName(name: string): string {
  return (shortNames.get(name) ?? name.replace(/^iot_[a-z0-9]+_/, '').replace(/_(total|count)$/, '')).replaceAll(
    /_([a-z0-9])/g,
    (_, char: string) => char.toUpperCase(),
  );
}

const round = (value: number) => Math.round(value * 1_000) / 1_000;
