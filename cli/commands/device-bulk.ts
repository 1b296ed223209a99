import { createReadStream, createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import type { DeviceRecord } from '../../runtime/contracts/http/device-import.ts';
import { importResults } from '../../runtime/contracts/http/device-import.ts';
import type { Device } from '../../runtime/contracts/http/devices.ts';
import { deviceOperations } from '../../runtime/contracts/http/devices.ts';
import { DeviceTypeId } from '../../runtime/contracts/identifiers.ts';
import type { Api } from '../api.ts';
import { connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { csvHead, fromCsv, toCsv } from '../device-files-csv.ts';
import { fromNdjson } from '../device-files-ndjson.ts';
import { type Counts, importRowsOf } from '../device-import.ts';
import { CommandError, UsageError } from '../errors.ts';
import { json } from '../output.ts';
import { withTarget } from '../target.ts';
import { matching } from '../values.ts';

type Format = 'csv' | 'ndjson';
const formatOption = () =>
  new Option('--format <format>', 'of the file; by its name when left out').choices(['csv', 'ndjson']);
const tag = matching(deviceOperations[0].query.shape.tag.unwrap());

/** `iot device import` and `export`: files of devices, in CSV or NDJSON. */
export function registerDeviceBulk(device: Command, { env, output }: Context): void {
  withTarget(device.command('import'))
    .description('Register devices from a file; the same file again changes nothing')
    .argument('<file>', 'CSV with a head, or NDJSON; - is standard input')
    .addOption(formatOption())
    .option('--update', 'change devices that are there with other values; without it they are conflicts')
    .option('--report <file>', 'write what became of each row, as NDJSON')
    .action(async (file: string, options: TargetOptions & ImportOptions) => {
      const format = formatOf(file, options.format);
      const chunks = createReadStream(file === '-' ? '/dev/stdin' : file);
      const rows = format === 'csv' ? fromCsv(chunks) : fromNdjson(chunks);
      const report = options.report === undefined ? undefined : createWriteStream(options.report);
      const counts = Object.fromEntries(importResults.map((result) => [result, 0])) as Counts;
      const api = await connect(options, env);
      let done = 0;
      for await (const results of importRowsOf(api, rows, options.update === true ? 'update' : 'refuse')) {
        for (const one of results) {
          counts[one.result]++;
          if (report !== undefined && !report.write(`${json(one)}\n`))
            await new Promise<void>((go) => report.once('drain', go));
          if (one.reason !== undefined) output.say(`row ${one.row} ${one.id ?? ''} ${one.result}: ${one.reason}`);
        }
        done += results.length;
        output.say(`${done} rows`);
      }
      report?.end();
      if (report !== undefined) await finished(report);
      output.print(
        options.json === true ? json(counts) : importResults.map((name) => `${counts[name]} ${name}`).join(', '),
      );
      const failed = counts.conflict + counts.invalid;
      if (failed > 0) throw new CommandError(`nothing was done of ${failed} of ${done} rows; each is named above`);
    });

  withTarget(device.command('export'))
    .description('Devices as a file that `iot device import` takes')
    .addOption(formatOption())
    .option('--out <file>', 'where to; standard output when left out')
    .option('--search <text>', 'part of the id or name, any case')
    .option('--tag <tag>', 'only with this tag', tag)
    .option('--type <type>', 'only of this type', matching(DeviceTypeId))
    .addOption(new Option('--status <status>', 'only with this status').choices(['active', 'blocked']))
    .action(async (options: TargetOptions & ExportOptions) => {
      const format = options.out === undefined ? (options.format ?? 'csv') : formatOf(options.out, options.format);
      const out = options.out === undefined ? process.stdout : createWriteStream(options.out);
      const write = async (text: string) => {
        if (!out.write(text)) await new Promise<void>((go) => out.once('drain', go));
      };
      if (format === 'csv') await write(csvHead());
      let count = 0;
      for await (const records of pages(await connect(options, env), options)) {
        count += records.length;
        await write(format === 'csv' ? toCsv(records) : records.map((record) => `${json(record)}\n`).join(''));
      }
      if (out !== process.stdout) {
        out.end();
        await finished(out);
      }
      output.say(`${count} devices`);
    });
}

type ImportOptions = { format?: Format; update?: boolean; report?: string; json?: boolean };
type ExportOptions = {
  format?: Format;
  out?: string;
  search?: string;
  tag?: string;
  type?: string;
  status?: 'active' | 'blocked';
};

async function* pages(api: Api, { search, tag: wanted, type, status }: ExportOptions): AsyncGenerator<DeviceRecord[]> {
  for (let cursor: string | undefined; ; ) {
    const page = await api.call('listDevices', { query: { search, tag: wanted, type, status, cursor, limit: 500 } });
    yield page.items.map(recordOf);
    if (page.next === null) return;
    cursor = page.next;
  }
}

export function recordOf({ id, name, type, tags, status, blockedReason }: Device): DeviceRecord {
  // What has no name or reason leaves the field out, as a file does.
  return { id, ...(name && { name }), type, tags, status, ...(blockedReason && { blockedReason }) };
}

function formatOf(file: string, given: Format | undefined): Format {
  const found = given ?? /\.(csv|ndjson)$/.exec(file)?.[1];
  if (found === undefined) throw new UsageError(`--format is needed: '${file}' ends with neither .csv nor .ndjson`);
  return found as Format;
}
