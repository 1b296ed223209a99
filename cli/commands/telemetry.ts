import { type Command, Option } from 'commander';
import { resolutions } from '../../runtime/contracts/http/telemetry.ts';
import { DeviceId, MetricName } from '../../runtime/contracts/identifiers.ts';
import type { Answer, Api } from '../api.ts';
import { connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { json, type Output } from '../output.ts';
import { withTarget } from '../target.ts';
import { instant, matching } from '../values.ts';

const pageSize = 10_000;

export function registerTelemetry(program: Command, { env, output }: Context): void {
  const telemetry = program.command('telemetry').description('Readings: the newest, and history');

  withTarget(telemetry.command('latest'))
    .description("A device's newest reading")
    .argument('<id>', 'device id', matching(DeviceId))
    .action(async (id: string, options: TargetOptions & { json?: boolean }) => {
      const state = await (await connect(options, env)).call('getState', { params: { deviceId: id } });
      if (options.json === true) return output.print(json(state));
      warnOf(state.degraded, output);
      output.print(`${state.ts}  ${valuesOf(state.values)}`);
    });

  withTarget(telemetry.command('history'))
    .description('Readings of a time range, oldest first, all of them')
    .argument('<id>', 'device id', matching(DeviceId))
    .requiredOption('--from <time>', 'RFC 3339, epoch milliseconds, now, or a while ago: 15m, 2h, 7d', (t) =>
      instant(t),
    )
    .requiredOption('--to <time>', 'the same; not included', (t) => instant(t))
    .addOption(
      new Option('--resolution <r>', 'raw rows, or 1-minute or 1-hour aggregates').choices(resolutions).default('auto'),
    )
    .option('--metric <name>', 'only this metric', matching(MetricName))
    .action(async (id: string, options: HistoryOptions) => {
      const pages = historyPages(await connect(options, env), id, options);
      await (options.json === true ? printJson(pages, output) : printTable(pages, output));
    });
}

type HistoryOptions = TargetOptions & {
  from: string;
  to: string;
  resolution: (typeof resolutions)[number];
  metric?: string;
  json?: boolean;
};
type Page = Answer<'getHistory'>;

async function* historyPages(api: Api, deviceId: string, options: HistoryOptions): AsyncGenerator<Page> {
  const { from, to, resolution, metric } = options;
  let cursor: string | undefined;
  do {
    const page: Page = await api.call('getHistory', {
      params: { deviceId },
      query: { from, to, resolution, metric, cursor, limit: pageSize },
    });
    yield page;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

/** One JSON object, written page by page: a month of raw rows does not fit in memory twice. */
async function printJson(pages: AsyncGenerator<Page>, output: Output): Promise<void> {
  let rows = 0;
  let begun = false;
  let degraded: Page['degraded'];
  for await (const page of pages) {
    if (!begun) process.stdout.write(`{"device":${json(page.device)},"resolution":${json(page.resolution)},"items":[`);
    begun = true;
    for (const item of page.items) process.stdout.write(`${rows++ > 0 ? ',' : ''}${json(item)}`);
    degraded ??= page.degraded;
  }
  output.print(`]${degraded === undefined ? '' : `,"degraded":${json(degraded)}`}}`);
}

async function printTable(pages: AsyncGenerator<Page>, output: Output): Promise<void> {
  let rows = 0;
  for await (const page of pages) {
    warnOf(page.degraded, output);
    for (const point of page.items) {
      rows++;
      const shown =
        point.values !== undefined
          ? valuesOf(point.values)
          : Object.entries(point.aggregates ?? {})
              .map(([name, a]) => `${name} avg ${round(a.avg)} min ${round(a.min)} max ${round(a.max)} n ${a.count}`)
              .join('  ');
      output.print(`${point.ts}  ${shown}`);
    }
  }
  if (rows === 0) output.say('no reading in this range');
}

const round = (n: number) => Number(n.toPrecision(6));
const valuesOf = (values: Record<string, unknown>) =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');

function warnOf(degraded: Page['degraded'], output: Output): void {
  if (degraded !== undefined) output.say(`the answer is not whole: ${json(degraded)}`);
}
