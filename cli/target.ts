import type { Command } from 'commander';
import { url } from './values.ts';

/** Options of every command that talks to a platform. */
export function withTarget(command: Command): Command {
  return command
    .option('--json', 'one JSON value on standard output')
    .option('--data <dir>', 'data folder of a local platform (default: the one started last)')
    .option('--api <url>', 'API of a remote platform, after `iot login`', url);
}
