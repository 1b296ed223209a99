import { priceFile } from '../../infra/plan/prices.ts';
import type { CostLine, Plan } from '../../infra/plan/types.ts';
import { type Output, table } from '../output.ts';
import type { Planned } from './plan.ts';

type Paint = Output['paint'];

/** Days after which prices are called old. */
const freshDays = 90;

/** @param now epoch milliseconds. */
export function planText(planned: Planned, paint: Paint, now: number): string {
  const { plan, title } = planned;
  const { devices, messagesPerDevicePerMinute: rate } = plan.fleet;
  const each = `${number(rate)} message${rate === 1 ? '' : 's'} a minute each`;
  return [
    paint.bold(`${title}: ${number(devices)} devices, ${each}`),
    '',
    sizes(planned, paint),
    '',
    arithmetic(plan, paint),
    '',
    addresses(plan, paint),
    '',
    certificates(planned, paint),
    '',
    cost(plan, paint, now),
  ].join('\n');
}

/** Every step of it: what follows from which numbers. */
export function arithmetic(plan: Plan, paint: Paint): string {
  const rows = plan.steps.map(({ what, formula, result }, i) => [
    what === plan.steps[i - 1]?.what ? '' : what,
    formula,
    `= ${result}`,
  ]);
  return section('Arithmetic', ['what', 'from', 'result'], rows, paint);
}

function sizes({ plan, tier, clusterMode }: Planned, paint: Paint): string {
  const { pods, cluster, database, cache } = plan;
  const parts = Object.entries(pods).map(([part, pod]) => [
    part,
    pod.replicas,
    pod.maximum,
    `${pod.cpu} CPU, ${pod.memory}`,
  ]);
  const standby = tier.database.availability === 'REGIONAL' ? ', with a standby in another zone' : ', one zone';
  const replicas = tier.cache.replicas === 0 ? '' : ` and ${tier.cache.replicas} replica`;
  const nodes =
    clusterMode === 'autopilot'
      ? 'as the pods need (Autopilot)'
      : `${cluster.minimumNodesPerZone} to ${cluster.maximumNodesPerZone} ${cluster.machineType} in each of ${cluster.zones} zones`;
  const stores = [
    ['nodes', nodes],
    ['core database', `${database.coreTier}, ${number(database.coreDisk)} GB${standby}`],
    [
      'shards',
      `${number(database.shards)} × ${database.shardTier}, ${number(database.shardDisk)} GB at first${standby}`,
    ],
    ['cache', `${cache.nodeType}${replicas}`],
  ];
  return [
    section('Sizes', ['part', 'pods', 'at most', 'each asks for'], parts, paint),
    indent(table(['', ''], stores).split('\n').slice(1).join('\n')),
  ].join('\n');
}

function addresses(plan: Plan, paint: Paint): string {
  return section('Addresses', ['for', 'range'], Object.entries(plan.addresses), paint);
}

function certificates({ plan, deviceCertificates }: Planned, paint: Paint): string {
  const { perDay, authorities, monthlyByCas, monthlyByKms, reenrolHoursByCas, reenrolHoursByKms } = plan.certificates;
  const mark = (who: 'kms' | 'cas', text: string) => (who === deviceCertificates ? `${text} (chosen)` : text);
  const rows = [
    ['USD a month', money(monthlyByKms), money(monthlyByCas)],
    ['made of', 'a key and its signatures', `${authorities} CA${authorities === 1 ? '' : 's'}, a fee a certificate`],
    ['whole fleet anew', hours(reenrolHoursByKms), hours(reenrolHoursByCas)],
  ];
  return section(
    `Device certificates, ${number(perDay)} a day`,
    ['', mark('kms', 'our issuer, key in KMS'), mark('cas', 'Certificate Authority Service')],
    rows,
    paint,
  );
}

function cost({ cost: { lines, monthly, unverifiedShare, priced } }: Plan, paint: Paint, now: number): string {
  const largestFirst = [...lines].sort((a, b) => b.monthly - a.monthly);
  const shown = largestFirst.filter((line) => line.monthly >= 1);
  const rest = largestFirst.filter((line) => line.monthly < 1);
  const sum = (of: readonly CostLine[]) => of.reduce((total, line) => total + line.monthly, 0);
  const rows = shown.map((line) => [
    line.what,
    amount(line.quantity).padStart(8),
    line.unit,
    money(line.monthly).padStart(9),
    line.verified ? '' : '?',
  ]);
  if (rest.length > 0) rows.push([`${rest.length} more below a dollar each`, '', '', money(sum(rest)).padStart(9), '']);
  const age = Math.floor((now - Date.parse(priced)) / 86_400_000);
  const old =
    age > freshDays ? [paint.yellow(`  These prices are ${age} days old: check infra/plan/prices.json.`)] : [];
  return [
    section(
      `Cost a month, USD, list prices of ${priceFile.region} on ${priced}`,
      ['what', 'quantity', 'unit', 'USD'.padStart(9), ''],
      rows,
      paint,
    ),
    '',
    `  ${paint.bold(`${money(monthly)} USD a month`)}, ${Math.round(unverifiedShare * 100)} % of it by prices that nobody checked on Google's own page (?).`,
    '  Without discounts, once stores have filled up. Not in it: other regions, traffic between zones, support, taxes.',
    ...old,
  ].join('\n');
}

function section(
  title: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  paint: Paint,
): string {
  const [first = '', ...others] = table(head, rows).split('\n');
  return [paint.bold(title), indent([paint.dim(first), ...others].join('\n'))].join('\n');
}

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? line : `  ${line}`))
    .join('\n');
const number = (value: number): string => Math.round(value).toLocaleString('en-US');
const money = (value: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const amount = (value: number): string =>
  value < 100 ? value.toLocaleString('en-US', { maximumFractionDigits: 1 }) : number(value);
const hours = (value: number): string =>
  value < 1 ? `${Math.max(1, Math.round(value * 60))} min` : `${value.toFixed(1)} h`;
