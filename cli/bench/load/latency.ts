import { build, type Histogram } from 'hdr-histogram-js';

/** Milliseconds. */
export type Percentiles = { p50: number; p95: number; p99: number; p999: number; max: number; count: number };

/** Latencies in milliseconds, kept as whole microseconds with three significant digits, up to ten minutes. */
export function latencyRecorder() {
  const histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 600_000_000,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  });
  return {
    record: (ms: number) => histogram.recordValue(Math.min(600_000_000, Math.max(1, Math.round(ms * 1_000)))),
    percentiles(): Percentiles {
      const at = (p: number) => (histogram.totalCount === 0 ? Number.NaN : histogram.getValueAtPercentile(p) / 1_000);
      return {
        p50: at(50),
        p95: at(95),
        p99: at(99),
        p999: at(99.9),
        max: histogram.totalCount === 0 ? Number.NaN : histogram.maxValue / 1_000,
        count: histogram.totalCount,
      };
    },
  };
}
