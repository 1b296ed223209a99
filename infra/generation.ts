import * as pulumi from '@pulumi/pulumi';
import { type NameKind, nameOf } from './plan/names.ts';

/**
 * Name of a resource whose name Google keeps after a delete (key rings, CA pools, SQL instances and their like): it ends
 * with the environment's generation, four hex digits that are new after each destroy, so that up, destroy, up works.
 */
export function generated(
  kind: NameKind,
  generation: pulumi.Input<string>,
  ...parts: readonly string[]
): pulumi.Output<string> {
  return pulumi.output(generation).apply((digits) => nameOf(kind, ...parts, digits));
}
