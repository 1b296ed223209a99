import { type Command, Option } from 'commander';
import { tierNames } from '../../infra/tiers.ts';
import type { Context } from '../context.ts';
import { whole } from '../values.ts';

/** What an environment would have and cost, from functions alone: no cloud, no credentials, no network. */
export function registerPlan(program: Command, context: Context): void {
  program
    .command('plan')
    .description('What an environment on Google Cloud would have and cost, with its arithmetic; creates nothing')
    .addOption(
      new Option('--env <stack>', 'a stack of this clone: stacks/Pulumi.<stack>.yaml').conflicts([
        'devices',
        'rate',
        'tier',
        'cluster',
        'certificates',
      ]),
    )
    .option('--devices <n>', 'devices of a fleet without a stack', whole(1, 2_000_000))
    .option('--rate <n>', 'messages that each device sends in a minute (default: 1)', whole(1, 6_000))
    .addOption(
      new Option('--tier <tier>', 'how much it holds and how hard it is to lose (default: prod)').choices(tierNames),
    )
    .addOption(
      new Option('--cluster <mode>', 'GKE mode (default: autopilot)').choices(['autopilot', 'standard'] as const),
    )
    .addOption(
      new Option('--certificates <signer>', 'who signs device certificates (default: kms)').choices([
        'kms',
        'cas',
      ] as const),
    )
    .option('--json', 'one JSON value on standard output')
    .action(async (options) => (await import('../plan/plan.ts')).plan(options, context));
}
