import * as command from '@pulumi/command';
import * as gcp from '@pulumi/gcp';
import type * as pulumi from '@pulumi/pulumi';
import { Component, type ComponentArgs } from '../component.ts';
import { type ImageName, imageNames } from './names.ts';
import { type ImagePlan, type PlannedImage, repositoryIdOf } from './plan.ts';

export type ImagesArgs = ComponentArgs & {
  /** What `planImages` decided before the program's first resource. */
  plan: ImagePlan;
  /** E-mail of the service account that the nodes pull with; literal, so that the grant needs no output. */
  nodeServiceAccount: string;
  /** What makes that account; only the grant waits for it. Pushes start as soon as there is a repository. */
  nodes?: readonly pulumi.Resource[];
};

/** Registry of an environment, and its images pushed to it. */
export class Images extends Component {
  readonly repository: gcp.artifactregistry.Repository;
  /** Literal, digest-pinned (or marked unresolved) reference of each image. */
  readonly references: Readonly<Record<ImageName, string>>;
  /** Everything that has to be there before a pod can be created: pushes and the nodes' grant. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: ImagesArgs, options: pulumi.ComponentResourceOptions) {
    super('images:Images', name, args, options);
    const { images } = args.plan;
    this.repository = this.#repository();
    const readers = this.#readers(args);
    const pushes = imageNames.filter((image) => this.#pushes(images[image])).map((image) => this.#push(images[image]));
    this.references = Object.fromEntries(imageNames.map((image) => [image, images[image].reference])) as Record<
      ImageName,
      string
    >;
    this.ready = [readers, ...pushes];
    this.finish({ repository: this.repository.id, references: this.references });
  }

  #repository(): gcp.artifactregistry.Repository {
    const { environment } = this;
    return this.make(gcp.artifactregistry.Repository, 'repository', {
      repositoryId: repositoryIdOf(environment),
      location: environment.region,
      format: 'DOCKER',
      description: `Images of environment ${environment.name}`,
      // A tag that moved would let two pods of one revision run different code; what runs is pinned by digest besides.
      // https://cloud.google.com/artifact-registry/docs/repositories/create-repos#immutable-tags
      dockerConfig: { immutableTags: true },
      // Where the project's scanner is on (`scanImages`), each push is read for known vulnerabilities, and again for a
      // month as new ones become known.
      // https://cloud.google.com/artifact-analysis/docs/os-overview
      vulnerabilityScanningConfig: { enablementConfig: 'INHERITED' },
      cleanupPolicyDryRun: false,
      // A keep policy wins over a delete policy. A push is up to seven manifests: index, two platforms, SBOM, provenance and
      // the list of both, so that at least the newest fourteen builds stay, however old they are.
      // https://cloud.google.com/artifact-registry/docs/repositories/cleanup-policy-overview
      cleanupPolicies: [
        { id: 'delete-old', action: 'DELETE', condition: { tagState: 'ANY', olderThan: '7776000s' } },
        { id: 'keep-newest', action: 'KEEP', mostRecentVersions: { keepCount: 100 } },
      ],
    });
  }

  #readers({ nodeServiceAccount, nodes = [] }: ImagesArgs): gcp.artifactregistry.RepositoryIamMember {
    const { environment } = this;
    return this.make(
      gcp.artifactregistry.RepositoryIamMember,
      'reader-nodes',
      {
        project: environment.project,
        location: environment.region,
        repository: repositoryIdOf(environment),
        role: 'roles/artifactregistry.reader',
        member: `serviceAccount:${nodeServiceAccount}`,
      },
      { dependsOn: [this.repository, ...nodes] },
    );
  }

  /** An unresolved image is "pushed" too: that is what refuses it at `up`, alone and by name, before any workload needs it. */
  #pushes({ source }: PlannedImage): boolean {
    const { pushImages, renderKubernetesTo } = this.environment;
    if (source === 'unresolved') return pushImages || renderKubernetesTo === null;
    return source === 'built' && pushImages;
  }

  #push({ name, reference }: PlannedImage): command.local.Command {
    return this.make(
      command.local.Command,
      `push-${name}`,
      {
        // The engine runs it in the program's folder; a person may run it at the root.
        create: `[ -d infra/images ] || cd ..; exec node infra/images/push.mjs ${name}`,
        environment: { IMAGE_REFERENCE: reference },
        triggers: [reference],
      },
      { dependsOn: [this.repository] },
    );
  }
}
