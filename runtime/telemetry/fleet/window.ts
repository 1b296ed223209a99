import { metricNames } from '../../contracts/metrics.ts';
import { parsePrometheusText } from '../../platform/http/prometheus-text.ts';
import { between, counterOf, type Histogram, histogramOf, quantile, sumOf } from './histogram.ts';

/** What one scrape of one process told. `at` in epoch milliseconds. */
export type Scrape = {
  at: number;
  stored: number | undefined;
  ack: Histogram;
  queryable: Histogram;
};

/** Latency over the last minute, rates over some seconds. */
export const latencyWindowMs = 60_000;
export const rateWindowMs = 10_000;

export function readScrape(text: string, at: number): Scrape {
  const { samples } = parsePrometheusText(text);
  return {
    at,
    stored: counterOf(samples, metricNames.processor.stored),
    ack: histogramOf(samples, metricNames.gateway.ackSeconds),
    queryable: histogramOf(samples, metricNames.processor.queryableSeconds),
  };
}

/** Scrapes that still matter: those inside the window, and the one just before it, which the window is measured from. */
export function keep(scrapes: readonly Scrape[], now: number): Scrape[] {
  const first = scrapes.findIndex((scrape) => scrape.at >= now - latencyWindowMs);
  if (first === -1) return scrapes.slice(-1);
  return scrapes.slice(Math.max(0, first - 1));
}

export type Rates = {
  readingsPerSecond: number;
  ackLatency: { p50: number | null; p99: number | null };
  queryableLatency: { p50: number | null; p99: number | null };
};

/** Numbers of the fleet from the scrapes of all its processes, each process's oldest first. */
export function ratesOf(processes: readonly (readonly Scrape[])[], now: number): Rates {
  return {
    readingsPerSecond: processes.reduce((sum, scrapes) => sum + rate(scrapes, now), 0),
    ackLatency: latency(processes, (scrape) => scrape.ack),
    queryableLatency: latency(processes, (scrape) => scrape.queryable),
  };
}

function rate(scrapes: readonly Scrape[], now: number): number {
  const recent = scrapes.filter((scrape) => scrape.at >= now - rateWindowMs - 2_500 && scrape.stored !== undefined);
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return 0;
  let stored = 0;
  for (const [i, scrape] of recent.entries()) {
    const before = recent[i - 1]?.stored;
    if (before === undefined || scrape.stored === undefined) continue;
    // A counter that went down belongs to a new process.
    stored += scrape.stored >= before ? scrape.stored - before : scrape.stored;
  }
  return Math.round((stored / ((last.at - first.at) / 1_000)) * 10) / 10;
}

function latency(processes: readonly (readonly Scrape[])[], of: (scrape: Scrape) => Histogram) {
  const observed = sumOf(
    processes.flatMap((scrapes) => scrapes.slice(1).map((scrape, i) => between(of(scrapes[i] as Scrape), of(scrape)))),
  );
  return { p50: milliseconds(quantile(observed, 0.5)), p99: milliseconds(quantile(observed, 0.99)) };
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : Math.round(seconds * 1_000_000) / 1_000;
}
