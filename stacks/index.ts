import * as pulumi from '@pulumi/pulumi';
import { readStackSettings } from '../infra/settings/read.ts';
import { environment } from './environment.ts';
import { preview } from './preview.ts';

/** Where warnings go: the engine's log, or a recording. */
export type Log = { warn: (message: string) => void };

/** The program that the stack's setting names. @returns the stack's outputs. */
export async function run(log: Log): Promise<Record<string, pulumi.Input<unknown>>> {
  const stack = pulumi.getStack();
  const settings = readStackSettings(stack, pulumi.getProject(), pulumi.runtime.allConfig());
  return settings.program === 'preview' ? preview(stack, settings) : environment(stack, settings, log);
}
