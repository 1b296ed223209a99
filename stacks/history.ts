import * as pulumi from '@pulumi/pulumi';
import type { History } from '../infra/settings/environment.ts';
import { tierNames } from '../infra/tiers.ts';

/**
 * What this stack was at its last `up`, from its own outputs: a stack may reference itself, and reads what the last
 * completed update wrote. That is how a lowered shard count or a changed tier is refused before anything is created.
 */
export async function historyOf(stack: string): Promise<History> {
  const own = new pulumi.StackReference('history', {
    name: `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`,
  });
  const { value } = await own.getOutputDetails('deployed');
  if (value === undefined || value === null) return null;
  const { tier, shards, region, project } = value as Record<string, unknown>;
  if (
    !tierNames.includes(tier as never) ||
    typeof shards !== 'number' ||
    typeof region !== 'string' ||
    typeof project !== 'string'
  )
    throw new Error(
      `output 'deployed' of stack ${stack} is ${JSON.stringify(value)}: expected tier, shards, region, project as an \`up\` of this program writes them`,
    );
  return { tier, shards, region, project } as History;
}
