import { type Command, InvalidArgumentError } from 'commander';
import { traceIdPattern } from '../../runtime/contracts/identifiers.ts';
import { defaultDataFolder } from '../../runtime/local/folder.ts';
import { partNames } from '../../runtime/local/plan.ts';
import { defaultPortBase, portBaseRange } from '../../runtime/local/ports.ts';
import type { Context } from '../context.ts';
import { collect, setting, whole } from '../values.ts';

const dataOption = ['--data <dir>', 'data folder (default: the platform started last)'] as const;

/** Each command's module is loaded when it is called: the launcher brings every service's libraries. */
export function registerLocal(program: Command, context: Context): void {
  const local = program.command('local').description('The whole platform on this machine');

  local
    .command('up')
    .description(
      'Start it in the foreground; Ctrl-C stops it in order, twice in a hurry. Data stays for the next start',
    )
    .option('--data <dir>', 'data folder', defaultDataFolder)
    .option(
      '--port-base <n>',
      'all ports are this and some; the API is +80, MQTT +883',
      whole(portBaseRange.min, portBaseRange.max),
      defaultPortBase,
    )
    .option('--devices <n>', 'simulated devices; 0 = none', whole(0, 100_000), 50)
    .option(
      '--set <setting>',
      'PART.NAME=VALUE or NAME=VALUE: a setting of one part or of all; may be repeated',
      collect(setting(partNames)),
    )
    .option('--json', 'exactly one line on standard output when it is ready; the rest on standard error')
    .action(async (options) => (await import('../local/up.ts')).up(options, context));

  local
    .command('status')
    .description('Each part: pid, state, CPU, memory, restarts')
    .option(...dataOption)
    .option('--json', 'one JSON value on standard output')
    .action(async (options) => (await import('../local/show-status.ts')).status(options, context));

  local
    .command('logs')
    .description("All parts' log lines")
    .option(...dataOption)
    .option(
      '--trace <id>',
      'only the lines of one message or request: its id, or the first 8 digits or more',
      traceStart,
    )
    .option('-f, --follow', 'go on with new lines until Ctrl-C')
    .option('-n, --lines <n>', 'the last so many lines (default: 200, with --trace all)', whole(1, 1_000_000))
    .option('--json', 'the lines as they are in the file')
    .action(async (options) => (await import('../local/logs.ts')).logs(options, context));

  local
    .command('down')
    .description('Stop it, from anywhere; also ends what a killed launcher left running')
    .option(...dataOption)
    .action(async (options) => (await import('../local/down.ts')).down(options, context));

  local
    .command('reset')
    .description('Remove all its data; it must not be running')
    .option(...dataOption)
    .option('--yes', 'do not ask')
    .action(async (options) => (await import('../local/reset.ts')).reset(options, context));
}

function traceStart(text: string): string {
  const id = text.toLowerCase();
  if (!(id.length === 32 ? traceIdPattern.test(id) : /^[0-9a-f]{8,31}$/.test(id)))
    throw new InvalidArgumentError('Allowed are 8 to 32 hex digits, not all zero.');
  return id;
}
