import { fileURLToPath } from 'node:url';
import { planOf } from '../../infra/plan/plan.ts';
import type { Plan } from '../../infra/plan/types.ts';
import { environmentOf } from '../../infra/settings/environment.ts';
import { readStackSettings, StackSettingsError } from '../../infra/settings/read.ts';
import { readStackFile, StackFileError, stackNames } from '../../infra/settings/stack-file.ts';
import { type Tier, type TierName, tiers } from '../../infra/tiers.ts';
import type { Context } from '../context.ts';
import { CommandError, UsageError } from '../errors.ts';
import { json } from '../output.ts';
import { arithmetic, planText } from './text.ts';

export type PlanOptions = {
  env?: string;
  devices?: number;
  rate?: number;
  tier?: TierName;
  cluster?: 'autopilot' | 'standard';
  certificates?: 'kms' | 'cas';
  json?: true;
};

/** A plan, and what it was asked for. */
export type Planned = {
  title: string;
  tier: Tier;
  clusterMode: 'autopilot' | 'standard';
  deviceCertificates: 'kms' | 'cas';
  plan: Plan;
  problems: readonly string[];
};

const clone = fileURLToPath(new URL('../..', import.meta.url));

/** @param root the clone whose stacks are meant. @throws CommandError when no plan carries the fleet, or a stack is wrong. */
export async function plan(options: PlanOptions, { output }: Context, root = clone): Promise<void> {
  const planned = options.env === undefined ? planOfOptions(options, root) : planOfStack(options.env, root);
  const { problems } = planned;
  if (options.json) output.print(json({ tier: planned.tier.name, problems, ...planned.plan }));
  else if (problems.length > 0) output.print(arithmetic(planned.plan, output.paint));
  else output.print(planText(planned, output.paint, Date.now()));
  if (problems.length > 0) throw new CommandError(problems.join('\n'));
}

function planOfOptions(options: PlanOptions, root: string): Planned {
  if (options.devices === undefined)
    throw new UsageError(
      `nothing says what to plan: give --env with one of ${stackNames(root).join(', ')}, or --devices with a number`,
    );
  const tier = tiers[options.tier ?? 'prod'];
  const rate = options.rate ?? 1;
  const input = {
    tier,
    devices: options.devices,
    messagesPerDevicePerMinute: rate,
    clusterMode: options.cluster ?? 'autopilot',
    deviceCertificates: options.certificates ?? 'kms',
    shards: null,
    publicEdge: tier.needsDomain,
    scanImages: tier.images.scanned,
  };
  return { title: `tier ${tier.name}`, ...input, ...planOf(input) };
}

function planOfStack(stack: string, root: string): Planned {
  try {
    const { project, config } = readStackFile(root, stack);
    const settings = readStackSettings(stack, project, config);
    if (settings.program === 'preview')
      throw new CommandError(
        `stack ${stack} is a preview: it has no sizes of its own, its environment ${settings.environment} has`,
      );
    const { environment } = environmentOf(stack, settings, null);
    const { tier, clusterMode, deviceCertificates } = environment;
    const title = `${stack}, tier ${tier.name}`;
    return { title, tier, clusterMode, deviceCertificates, plan: environment.plan, problems: [] };
  } catch (error) {
    if (error instanceof StackFileError) throw new UsageError(error.message);
    if (error instanceof StackSettingsError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}
