import type { Environment } from '../environment.ts';
import { nameOf } from '../plan/names.ts';
import { type ImageName, imageNames } from './names.ts';

export type PlannedImage = {
  name: ImageName;
  /** `HOST/PATH@sha256:DIGEST`, or `HOST/PATH:unresolved`, which no registry has. */
  reference: string;
  /** Given by a setting, built from this clone, or not known because the base lock has no manifest. */
  source: 'given' | 'built' | 'unresolved';
};

export type ImagePlan = {
  images: Readonly<Record<ImageName, PlannedImage>>;
  /** For the program's log. */
  warnings: readonly string[];
};

type Where = Pick<Environment, 'name' | 'project' | 'region'>;

export const repositoryIdOf = (environment: Pick<Where, 'name'>): string =>
  nameOf('repository', environment.name, 'images');

/** `REGION-docker.pkg.dev/PROJECT/REPOSITORY`: what comes before an image's name. */
export const repositoryPathOf = (environment: Where): string =>
  `${environment.region}-docker.pkg.dev/${environment.project}/${repositoryIdOf(environment)}`;

/** Digests of images built from this clone; null: the base lock does not know its base. */
export type Digests = (names: readonly ImageName[]) => Promise<Readonly<Record<string, string>> | null>;

/**
 * Which image each part runs, as literals known at preview: a given digest wins, then the digest that this clone builds.
 * @param digestsOf is asked only for images that are not given.
 */
export async function planImages(
  environment: Where & Pick<Environment, 'images'>,
  digestsOf: Digests,
): Promise<ImagePlan> {
  const wanted = imageNames.filter((name) => environment.images[name] === undefined);
  const digests = wanted.length === 0 ? {} : await digestsOf(wanted);
  const at = repositoryPathOf(environment);
  const planned = (name: ImageName): PlannedImage => {
    const given = environment.images[name];
    if (given !== undefined) return { name, reference: given, source: 'given' };
    const digest = digests?.[name];
    if (digest === undefined) return { name, reference: `${at}/${name}:unresolved`, source: 'unresolved' };
    return { name, reference: `${at}/${name}@${digest}`, source: 'built' };
  };
  const images = Object.fromEntries(imageNames.map((name) => [name, planned(name)])) as ImagePlan['images'];
  const unresolved = imageNames.filter((name) => images[name].source === 'unresolved');
  return {
    images,
    warnings:
      unresolved.length === 0
        ? []
        : [
            `images ${unresolved.join(', ')} are unresolved: infra/images/base.lock.json has no manifest of its base, so their digests are not known. ${wayOut}`,
          ],
  };
}

/** How an unresolved image becomes a digest. */
export const wayOut =
  'Run `npx iot image lock` once where the base\'s registry is reachable and commit the lock, or give digests: `pulumi config set --path "images.gateway" HOST/PATH@sha256:…`';
