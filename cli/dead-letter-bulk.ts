import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { DeviceId } from '../runtime/contracts/identifiers.ts';
import { type DeadLetterReason, deadLetterReasons } from '../runtime/contracts/telemetry.ts';
import type { Api } from './api.ts';
import { CommandError } from './errors.ts';
import { json, type Output } from './output.ts';
import { instant, matching } from './values.ts';

export type FilterOptions = { reason?: DeadLetterReason; device?: string; from?: string; to?: string };
export type BulkOptions = FilterOptions & { all?: boolean; batch?: string; wait?: boolean; json?: boolean };

export function withFilter(command: Command): Command {
  return command
    .addOption(new Option('--reason <reason>', 'only with this reason').choices(deadLetterReasons))
    .option('--device <id>', 'only of this device', matching(DeviceId))
    .option(
      '--from <time>',
      'only those written since: RFC 3339, epoch milliseconds, or a while ago: 15m, 2h, 7d',
      (t) => instant(t),
    )
    .option('--to <time>', 'only those written before', (t) => instant(t));
}

export function withBulk(command: Command): Command {
  return withFilter(command.option('--all', 'all open letters that the filters find')).option(
    '--batch <name>',
    'name of the bulk action; given again, an action that was cut off goes on',
  );
}

/**
 * A bulk action, a call for a share at a time, until nothing is left. What comes in after its beginning is not taken.
 * It says how to go on when it is cut off.
 */
export async function runBulk(
  api: Api,
  action: 'replayDeadLetters' | 'discardDeadLetters',
  more: { because?: string },
  options: BulkOptions,
  output: Output,
): Promise<void> {
  const batch = options.batch ?? `cli-${randomUUID().slice(0, 13)}`;
  const { reason, device, from, to = String(Date.now()) } = options;
  const filter = {
    ...(reason && { reason }),
    ...(device && { device }),
    ...(from && { from }),
    to,
  };
  output.say(`batch ${batch}: the same command with --batch ${batch} goes on if this one is cut off`);
  let taken = 0;
  for (;;) {
    const { changed, remaining, degraded } = await api.call(action, { body: { batch, filter, ...more } });
    taken += changed;
    output.say(`${taken} taken, ${remaining >= 10_000 ? 'more than 10000' : remaining} to go`);
    if (degraded !== undefined)
      throw new CommandError(
        `not all shards answered (${json(degraded)}); the same command with --batch ${batch} goes on`,
      );
    // Letters that others work on just now are passed over; they are no reason to go round and round.
    if (remaining === 0 || changed === 0) break;
  }
  const counts = await settledCounts(api, batch, options.wait !== false, output);
  const { open, replaying, replayed, discarded } = counts;
  if (options.json === true) output.print(json({ batch, taken, open, replaying, replayed, discarded }));
  else
    output.print(
      action === 'discardDeadLetters'
        ? `${discarded} discarded`
        : `${replayed} replayed, ${open} failed again and are open${replaying > 0 ? `, ${replaying} wait for a processor` : ''}`,
    );
  if (open > 0) throw new CommandError(`\`iot dead-letter list --batch ${batch}\` shows what failed`);
}

async function settledCounts(api: Api, batch: string, wait: boolean, output: Output) {
  for (let last = -1; ; ) {
    const counts = await api.call('getDeadLetterSummary', { query: { batch } });
    if (!wait || counts.replaying === 0) return counts;
    if (counts.replaying !== last) output.say(`${counts.replaying} wait for a processor`);
    last = counts.replaying;
    await sleep(500);
  }
}
