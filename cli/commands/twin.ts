import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { DeviceId } from '../../runtime/contracts/identifiers.ts';
import { isJsonObject } from '../../runtime/contracts/json.ts';
import type { Answer } from '../api.ts';
import { connect, type TargetOptions } from '../connection.ts';
import type { Context } from '../context.ts';
import { CommandError, UsageError } from '../errors.ts';
import { json, type Output, table } from '../output.ts';
import { withTarget } from '../target.ts';
import { matching, whole } from '../values.ts';

type Options = TargetOptions & { json?: boolean };
type ChangeOptions = Options & { ifVersion?: number; file?: string };

export function registerTwin(program: Command, { env, output }: Context): void {
  const twin = program.command('twin').description('Twins: what a device shall be, and what it says it is');

  withTarget(twin.command('show'))
    .description('Desired and reported state, and what of the desired is not reported')
    .argument('<id>', 'device id', matching(DeviceId))
    .action(async (id: string, options: Options) => {
      const found = await (await connect(options, env)).call('getTwin', { params: { deviceId: id } });
      output.print(options.json === true ? json(found) : describe(found));
    });

  change('set', 'putDesired', 'Replace the desired state by a JSON object');
  change(
    'patch',
    'patchDesired',
    'Change parts of the desired state: a JSON merge patch, in which null removes a name',
  );

  function change(name: string, operation: 'putDesired' | 'patchDesired', text: string): void {
    withTarget(twin.command(name))
      .description(text)
      .argument('<id>', 'device id', matching(DeviceId))
      .argument('[json]', `a JSON object, as '{"interval":30}'`)
      .option('--file <path>', 'read the JSON object from a file; - is standard input')
      .option('--if-version <n>', 'only when the desired state has this version', whole(0, Number.MAX_SAFE_INTEGER))
      .action(async (id: string, text: string | undefined, options: ChangeOptions) => {
        const body = await objectOf(text, options.file);
        const api = await connect(options, env);
        const headers = options.ifVersion === undefined ? {} : { 'if-match': `"${options.ifVersion}"` };
        const made = await api.call(operation, { params: { deviceId: id }, headers, body });
        printDesired(options.json, id, made, output);
      });
  }
}

function printDesired(asJson: boolean | undefined, id: string, made: Answer<'putDesired'>, output: Output): void {
  output.print(
    asJson === true
      ? json(made)
      : `the desired state of ${id} has version ${made.version}: ${JSON.stringify(made.document)}`,
  );
}

async function objectOf(text: string | undefined, file: string | undefined): Promise<Record<string, unknown>> {
  if ((text === undefined) === (file === undefined))
    throw new UsageError('give the JSON object as an argument or with --file, one of the two');
  const source = text ?? (await readText(file as string));
  const value = parseJson(source, 'the desired state');
  if (isJsonObject(value)) return value;
  throw new UsageError(`the desired state must be a JSON object, this is ${source.slice(0, 80)}`);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
  } catch (cause) {
    throw new CommandError(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** @throws UsageError */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${what} is no JSON (${(cause as Error).message}): ${text.slice(0, 80)}`);
  }
}

function describe({ desired, reported, delta }: Answer<'getTwin'>): string {
  const own = reported.deviceVersion === null ? '' : ` (the device's ${reported.deviceVersion})`;
  return table(
    ['', 'VERSION', 'CHANGED', 'DOCUMENT'],
    [
      ['desired', String(desired.version), desired.updatedAt ?? '-', JSON.stringify(desired.document)],
      ['reported', `${reported.version}${own}`, reported.updatedAt ?? '-', JSON.stringify(reported.document)],
      ['delta', '', '', JSON.stringify(delta)],
    ],
  );
}
