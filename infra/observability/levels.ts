import { metricNames } from '../../runtime/contracts/metrics.ts';
import { clusterName } from '../cluster/names.ts';
import type { Environment } from '../environment.ts';
import { namespaceOf } from '../identity/names.ts';
import { number, selectorsOf } from './queries.ts';

/**
 * Service levels, as data. The availability that is promised to a device is: its message is acknowledged within 120 s,
 * retries included, and then never lost. The design aims at 99.999 % of that; the service agreements of Google's parts of
 * one region in series give 99.84 %, so that the objective here is between the two and the docs say so.
 *
 * The gateway's counters see a retry as a second message, so that the ratio measured here is never better than the
 * promise; a gateway that is away counts nothing, which the alerts on absence and the probe see.
 */
export type Level = {
  id: 'availability' | 'ack-latency' | 'queryable-latency';
  title: string;
  /** Share of good events, 0 to 1, over `windowDays`. */
  goal: number;
  /** PromQL: rate of good and of all events over a window as `5m`. */
  good: (window: string) => string;
  total: (window: string) => string;
  /** The same as Cloud Monitoring's service levels have it. */
  indicator:
    | { kind: 'ratio'; good: string; total: string }
    | { kind: 'latency'; distribution: string; atMostSeconds: number };
  /** Prometheus metrics that have to have arrived once before Google takes the service level. */
  metrics: readonly string[];
};

export const windowDays = 28;

/** Limits are bounds of the histograms' buckets: between two bounds nobody knows what is good. */
export const limits = { ackSeconds: 0.25, queryableSeconds: 5 } as const;

export function levelsOf(environment: Environment): readonly Level[] {
  const { ours } = selectorsOf(environment);
  const { availability, latency } = environment.tier.observability.objectives;
  const { gateway, processor } = metricNames;
  const rate = (metric: string, window: string, ...matchers: string[]) =>
    `sum(rate(${ours(metric, ...matchers)}[${window}]))`;
  const counter = (metric: string, ...more: string[]) => filterOf(environment, `${metric}/counter`, ...more);
  const underLimit = (id: Level['id'], title: string, metric: string, atMostSeconds: number): Level => ({
    id,
    title,
    goal: latency,
    good: (window) => rate(`${metric}_bucket`, window, `le="${number(atMostSeconds)}"`),
    total: (window) => rate(`${metric}_count`, window),
    indicator: { kind: 'latency', distribution: filterOf(environment, `${metric}/histogram`), atMostSeconds },
    metrics: [`${metric}/histogram`],
  });
  return [
    {
      id: 'availability',
      title: 'Messages acknowledged',
      goal: availability,
      good: (window) => rate(gateway.acknowledged, window),
      total: (window) => rate(gateway.received, window, 'qos!="0"'),
      indicator: {
        kind: 'ratio',
        good: counter(gateway.acknowledged),
        total: counter(gateway.received, 'metric.labels.qos != "0"'),
      },
      metrics: [`${gateway.acknowledged}/counter`, `${gateway.received}/counter`],
    },
    underLimit('ack-latency', 'Acknowledged in time', gateway.ackSeconds, limits.ackSeconds),
    underLimit('queryable-latency', 'Queryable in time', processor.queryableSeconds, limits.queryableSeconds),
  ];
}

/** https://cloud.google.com/stackdriver/docs/solutions/slo-monitoring/sli-metrics/prometheus */
function filterOf(environment: Environment, metric: string, ...more: readonly string[]): string {
  return [
    `metric.type="prometheus.googleapis.com/${metric}"`,
    'resource.type="prometheus_target"',
    `resource.labels.cluster="${clusterName(environment)}"`,
    `resource.labels.namespace="${namespaceOf(environment)}"`,
    ...more,
  ].join(' AND ');
}

/**
 * How fast the budget of errors may burn: a pair of windows each, the short one so that the alert ends with the trouble.
 * https://sre.google/workbook/alerting-on-slos/#6-multiwindow-multi-burn-rate-alerts
 */
export const burns = [
  { pace: 'fast', rate: 14.4, long: '1h', short: '5m', share: '2 % of the budget in an hour' },
  { pace: 'slow', rate: 6, long: '6h', short: '30m', share: '5 % of the budget in six hours' },
] as const;
export type Burn = (typeof burns)[number];

/** True while the budget burns at that rate in both windows; no events at all is no trouble here. */
export function burnQuery(level: Level, burn: Burn): string {
  const over = (window: string) =>
    `(1 - ${level.good(window)} / ${level.total(window)}) > ${number(burn.rate * (1 - level.goal))}`;
  return `${over(burn.long)} and ${over(burn.short)}`;
}
