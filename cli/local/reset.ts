import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { dataFolder, defaultDataFolder, lockDataFolder, removeData } from '../../runtime/local/folder.ts';
import { endOrphans } from '../../runtime/local/orphans.ts';
import { endStrayPostgres } from '../../runtime/local/parts.ts';
import type { Context } from '../context.ts';
import { CommandError, UsageError } from '../errors.ts';

/** Removes what the platform keeps: registry, readings, certificates, log-ins. Only an explicit folder or the default. */
export async function reset(options: { data?: string; yes?: boolean }, { output }: Context): Promise<void> {
  const folder = await dataFolder(options.data ?? defaultDataFolder);
  if (!existsSync(folder.at('secrets.json'))) {
    output.say(`${folder.root} holds no platform's data: nothing to remove`);
    return;
  }
  const lock = lockDataFolder(folder);
  if (lock === undefined)
    throw new CommandError(`the platform in ${folder.root} runs: stop it first with \`npx iot local down\``);
  try {
    if (options.yes !== true && !(await agreed(folder.root))) return output.say('nothing was removed');
    await endOrphans(folder);
    await endStrayPostgres(folder.postgres);
    await removeData(folder);
  } finally {
    lock.release();
  }
  output.say(`removed the platform's data in ${folder.root}`);
}

async function agreed(root: string): Promise<boolean> {
  if (process.stdin.isTTY !== true)
    throw new UsageError('there is no terminal to ask on: --yes removes without asking');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`Remove all devices, readings, certificates and log-ins in ${root}? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
