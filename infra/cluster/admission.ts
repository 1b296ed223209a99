import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import type { Environment } from '../environment.ts';
import { clusterName } from './names.ts';

/**
 * Which images the cluster runs: those of the project's own registry, those that a setting gives, and Google's own of the
 * cluster. A taken-over account that can start pods cannot start what it likes.
 *
 * A project has one such policy. Of two environments in one project the last to be brought up keeps its rule, and the other
 * is left with the default, which admits everything; one more reason for a project each.
 */
export class Admission extends Component {
  readonly policy: gcp.binaryauthorization.Policy;

  constructor(name: string, args: ComponentArgs, options: pulumi.ComponentResourceOptions) {
    super('cluster:Admission', name, args, options);
    const { environment } = args;
    const enforcementMode = 'ENFORCED_BLOCK_AND_AUDIT_LOG';
    this.policy = this.make(gcp.binaryauthorization.Policy, 'policy', {
      project: environment.project,
      description: `Images that ${environment.name} may run`,
      // Google keeps a list of the images of its own clusters. https://cloud.google.com/binary-authorization/docs/key-concepts#google-maintained_system_images
      globalPolicyEvaluationMode: 'ENABLE',
      admissionWhitelistPatterns: admitted(environment).map((namePattern) => ({ namePattern })),
      clusterAdmissionRules: [
        {
          cluster: `${environment.region}.${clusterName(environment)}`,
          evaluationMode: 'ALWAYS_DENY',
          enforcementMode,
        },
      ],
      // Other clusters of the project are not this environment's business.
      defaultAdmissionRule: { evaluationMode: 'ALWAYS_ALLOW', enforcementMode },
    });
    this.finish({});
  }
}

/** Pure: patterns of images that are admitted; `**` is everything below, `*` the digests of one image. Sorted, each once. */
export function admitted({ region, project, images }: Pick<Environment, 'region' | 'project' | 'images'>): string[] {
  const given = Object.values(images).map((reference) => `${reference.slice(0, reference.indexOf('@'))}@*`);
  return [...new Set([`${region}-docker.pkg.dev/${project}/**`, ...given])].sort();
}
