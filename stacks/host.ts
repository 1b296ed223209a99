import * as pulumi from '@pulumi/pulumi';
import { z } from 'zod';
import type { Host } from '../infra/preview/lane.ts';
import { StackSettingsError } from '../infra/settings/read.ts';
import type { PreviewSettings } from '../infra/settings/schema.ts';

/** Outputs of an environment's stack that its previews read. */
const HostOutputs = z.object({
  deployed: z.object({ project: z.string(), region: z.string() }),
  cluster: z.object({ name: z.string(), endpoint: z.string() }),
  namespace: z.string(),
  lends: z.object({
    databases: z.object({ core: z.string(), shards: z.array(z.string()).min(1) }),
    pubsubAgent: z.string(),
    jobsImage: z.string(),
  }),
});

/**
 * What the environment named by the settings lends.
 * @throws StackSettingsError when it is not up, or is up elsewhere than the preview says.
 */
export async function hostOf(stack: string, settings: PreviewSettings): Promise<Host> {
  const name = settings.environment;
  const reference = new pulumi.StackReference('host', {
    name: `${pulumi.getOrganization()}/${pulumi.getProject()}/${name}`,
  });
  const outputs: Record<string, unknown> = {};
  for (const key of Object.keys(HostOutputs.shape)) outputs[key] = (await reference.getOutputDetails(key)).value;
  if (outputs['deployed'] !== undefined && outputs['lends'] === null)
    throw new StackSettingsError(stack, [
      `environment is '${name}', whose tier takes no previews: a branch's code runs beside no data that is guarded. Name an environment of tier dev`,
    ]);
  const parsed = HostOutputs.safeParse(outputs);
  if (!parsed.success)
    throw new StackSettingsError(stack, [
      `environment is '${name}', and that stack has no ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')} among its outputs: bring it up first with \`pulumi up -s ${name}\``,
    ]);
  const { deployed, cluster, namespace, lends } = parsed.data;
  const problems = (['project', 'region'] as const)
    .filter((key) => settings[key] !== deployed[key])
    .map(
      (key) =>
        `${key} is '${settings[key]}', and environment ${name} is up in '${deployed[key]}': a preview lives inside its environment, set the same`,
    );
  if (problems.length > 0) throw new StackSettingsError(stack, problems);
  return { name, ...deployed, cluster, namespace, ...lends };
}
