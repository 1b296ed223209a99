import { forgetPointer } from '../../runtime/local/folder.ts';
import { endOrphans, endProcess } from '../../runtime/local/orphans.ts';
import { endStrayPostgres } from '../../runtime/local/parts.ts';
import { readRunning } from '../../runtime/local/status.ts';
import { localFolder } from '../connection.ts';
import type { Context } from '../context.ts';

/** The launcher stops its parts one group after the other; this is longer than all their deadlines. */
const launcherStopsWithinMs = 90_000;

export async function down(options: { data?: string }, { output }: Context): Promise<void> {
  const folder = await localFolder(options.data);
  const running = await readRunning(folder);
  if (running !== undefined) {
    await endProcess(running.launcher, { signal: 'SIGTERM', withinMs: launcherStopsWithinMs });
    output.say(`stopped the platform in ${folder.root}; its data stays`);
  }
  const ended = await endOrphans(folder);
  if (await endStrayPostgres(folder.postgres)) ended.push('postgres');
  if (ended.length > 0) output.say(`ended what a killed launcher left running: ${ended.join(', ')}`);
  await forgetPointer(folder);
  if (running === undefined && ended.length === 0) output.say(`nothing runs in ${folder.root}`);
}
