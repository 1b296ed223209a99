import { busPlan } from '../../runtime/contracts/bus.ts';
import { metricNames } from '../../runtime/contracts/metrics.ts';
import type { Environment } from '../environment.ts';
import { canonicalJson } from './canonical.ts';
import { levelsOf, limits, windowDays } from './levels.ts';
import { logMetricNames, number, type Selectors, selectorsOf } from './queries.ts';

/** One line of a chart. */
type Line = { query: string; legend: string };
/** A chart, or a text where there are no lines. */
export type Tile = { title: string; lines: readonly Line[]; unit?: string; limit?: number };
export type Dashboard = { id: string; title: string; tiles: readonly Tile[] };

/** What an operator looks at first, as data; `dashboardJson` makes it what Google takes. */
export function dashboardsOf(environment: Environment): readonly Dashboard[] {
  const ask = selectorsOf(environment);
  return [
    { id: 'path', title: `IoT ${environment.name}: the way of a message`, tiles: pathTiles(ask, environment) },
    { id: 'stores', title: `IoT ${environment.name}: stores and pods`, tiles: storeTiles(ask, environment) },
  ];
}

const { gateway, processor } = metricNames;
const rate = (selector: string, window = '5m') => `sum(rate(${selector}[${window}]))`;
const quantile = (q: number, selector: string) =>
  `histogram_quantile(${number(q)}, sum by (le) (rate(${selector}[5m])))`;

function pathTiles({ ours, subscription }: Selectors, environment: Environment): Tile[] {
  const names = busPlan.subscriptions.map(({ name }) => name);
  return [
    ...levelsOf(environment).map((level) => ({
      title: `${level.title}: share of the last day, objective ${number(level.goal * 100)} % over ${windowDays} days`,
      lines: [{ query: `${level.good('1d')} / ${level.total('1d')}`, legend: 'good' }],
      limit: level.goal,
    })),
    { title: 'Devices connected', lines: [{ query: `sum(${ours(gateway.connections)})`, legend: 'devices' }] },
    {
      title: 'Devices a gateway',
      lines: [{ query: `max(${ours(gateway.connections)})`, legend: 'fullest' }],
      limit: environment.plan.connectionsPerGateway,
    },
    {
      title: 'Messages',
      unit: '1/s',
      lines: [
        { query: rate(ours(gateway.received)), legend: 'received' },
        { query: rate(ours(gateway.acknowledged)), legend: 'acknowledged' },
        { query: rate(ours(processor.stored)), legend: 'readings stored' },
      ],
    },
    {
      title: 'To the acknowledgement',
      unit: 's',
      limit: limits.ackSeconds,
      lines: [0.5, 0.99].map((q) => ({
        query: quantile(q, ours(`${gateway.ackSeconds}_bucket`)),
        legend: `p${q * 100}`,
      })),
    },
    {
      title: 'To queryable',
      unit: 's',
      limit: limits.queryableSeconds,
      lines: [0.5, 0.99].map((q) => ({
        query: quantile(q, ours(`${processor.queryableSeconds}_bucket`)),
        legend: `p${q * 100}`,
      })),
    },
    {
      title: 'Oldest message that waits',
      unit: 's',
      lines: [
        { query: `max by (subscription_id) (${subscription('oldest_unacked_message_age', ...names)})`, legend: '' },
      ],
    },
    {
      title: 'Refused',
      unit: '1/s',
      lines: [{ query: `sum by (reason) (rate(${ours(gateway.refused)}[5m]))`, legend: '' }],
    },
    {
      title: 'Dead letters',
      unit: '1/s',
      lines: [{ query: `sum by (reason) (rate(${ours(processor.deadLetters)}[5m]))`, legend: '' }],
    },
    {
      title: 'Dead letters that wait',
      lines: [{ query: `max(${ours(processor.openLetters)})`, legend: 'open' }],
    },
    {
      title: 'Held and spilled messages',
      lines: [
        { query: `sum(${ours(gateway.heldMessages)})`, legend: 'held' },
        { query: `sum(${ours(gateway.spillBacklog)})`, legend: 'spilled' },
        { query: `sum(${ours(gateway.spillRefused)})`, legend: 'refused for good' },
      ],
    },
  ];
}

function storeTiles({ databases, cache, pods, logs, ours }: Selectors, environment: Environment): Tile[] {
  const errors = logMetricNames(environment).errors;
  return [
    { title: 'Database CPU', lines: [{ query: databases('cpu/utilization'), legend: '' }], limit: 0.85 },
    { title: 'Database disk', lines: [{ query: databases('disk/utilization'), legend: '' }], limit: 0.8 },
    {
      title: 'Database connections',
      lines: [{ query: `sum by (database_id) (${databases('postgresql/num_backends')})`, legend: '' }],
      limit: environment.plan.database.maximumConnections,
    },
    {
      title: 'Cache memory',
      lines: [{ query: cache('memory/maximum_utilization'), legend: 'fullest node' }],
      limit: 0.8,
    },
    {
      title: 'Pod CPU',
      unit: 's/s',
      lines: [{ query: `sum by (container_name) (rate(${pods('container/cpu/core_usage_time')}[5m]))`, legend: '' }],
    },
    {
      title: 'Pod memory',
      unit: 'By',
      lines: [{ query: `sum by (container_name) (${pods('container/memory/used_bytes')})`, legend: '' }],
    },
    {
      title: 'Restarts',
      lines: [{ query: `sum by (container_name) (increase(${pods('container/restart_count')}[1h]))`, legend: '' }],
    },
    {
      title: 'Error lines',
      unit: '1/s',
      lines: [{ query: `sum by (container_name) (rate(${logs(errors)}[5m]))`, legend: '' }],
    },
    {
      title: 'API requests',
      unit: '1/s',
      lines: [{ query: `sum by (status) (rate(${ours('iot_http_request_seconds_count')}[5m]))`, legend: '' }],
    },
    {
      title: 'API p99',
      unit: 's',
      lines: [{ query: quantile(0.99, ours('iot_http_request_seconds_bucket')), legend: 'p99' }],
    },
  ];
}

const columns = 48;
const tileWidth = 24;
const tileHeight = 16;

/**
 * As Google stores it: keys sorted, every default written out that it would add by itself, and nothing empty (a zero, a text
 * without letters), which it leaves out and the provider then finds missing at every `up`.
 * https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards
 * https://github.com/hashicorp/terraform-provider-google/issues/16173
 */
export function dashboardJson({ title, tiles }: Dashboard, environment: Environment): string {
  return canonicalJson({
    displayName: title,
    labels: { [environment.name]: '' },
    mosaicLayout: {
      columns,
      tiles: tiles.map((tile, index) => ({
        width: tileWidth,
        height: tileHeight,
        // Zero is a default that Google leaves out.
        ...positive('xPos', (index % (columns / tileWidth)) * tileWidth),
        ...positive('yPos', Math.floor(index / (columns / tileWidth)) * tileHeight),
        widget: chart(tile),
      })),
    },
  });
}

const positive = (key: 'xPos' | 'yPos', value: number) => (value === 0 ? {} : { [key]: value });

const chart = ({ title, lines, unit, limit }: Tile) => ({
  title,
  xyChart: {
    chartOptions: { mode: 'COLOR' },
    dataSets: lines.map(({ query, legend }) => ({
      legendTemplate: legend === '' ? undefined : legend,
      plotType: 'LINE',
      targetAxis: 'Y1',
      timeSeriesQuery: { prometheusQuery: query, unitOverride: unit },
    })),
    thresholds: limit === undefined ? undefined : [{ targetAxis: 'Y1', value: limit }],
    yAxis: { scale: 'LINEAR' },
  },
});
