import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Base } from './base-lock.ts';
import { buildImages } from './build.ts';
import { readBase } from './digests.ts';
import { type ImageName, imageNames } from './names.ts';
import { wayOut } from './plan.ts';
import type { Source } from './provenance.ts';
import { type Pushed, push } from './push.ts';
import { parseReference, type Reference, referenceText } from './reference.ts';
import { Registry, type RegistryOptions } from './registry.ts';

type Token = RegistryOptions['token'];

export function parseImageName(text: string | undefined): ImageName {
  const found = imageNames.find((name) => name === text);
  if (found === undefined) throw new Error(`image '${text ?? ''}': allowed are ${imageNames.join(', ')}`);
  return found;
}

/**
 * Builds an image of this clone and pushes it, if it is what the plan promised.
 * @param expected `HOST/PATH@sha256:DIGEST` of the plan.
 * @throws Error naming the image: unresolved, or built with another digest.
 */
export async function pushPlanned(root: string, name: ImageName, expected: string, token: Token): Promise<Pushed> {
  if (expected.endsWith(':unresolved'))
    throw new Error(
      `image ${name} is unresolved: infra/images/base.lock.json has no manifest of its base, so it cannot be built. ${wayOut}`,
    );
  const reference = parseReference(expected);
  const pushed = await pushBuilt(root, name, reference, token, (digest) => {
    if (digest !== reference.digest)
      throw new Error(
        `image ${name} has the digest ${digest}, and ${referenceText(reference)} was planned: a file of the build changed since, or node_modules is not what package-lock.json says. Run \`npm ci\`, remove node_modules/.cache/iot-images, and preview again`,
      );
  });
  return pushed;
}

/** Builds and pushes to a repository, whatever digest comes out. @param check may refuse the digest before anything is sent. */
export async function pushBuilt(
  root: string,
  name: ImageName,
  to: Pick<Reference, 'host' | 'path'>,
  token: Token,
  check: (digest: string) => void = () => undefined,
): Promise<Pushed> {
  const base = await neededBase(root, name);
  const [image] = await buildImages(root, base, [name]);
  if (image === undefined) throw new Error(`image ${name} was not built`);
  check(image.digest);
  const target = new Registry({ host: to.host, path: to.path, token });
  const from = new Registry({ host: base.reference.host, path: base.reference.path, token });
  return push(image, target, from, await sourceOf(root));
}

async function neededBase(root: string, name: ImageName): Promise<Base> {
  const base = await readBase(root);
  if (base === null)
    throw new Error(`image ${name} cannot be built: infra/images/base.lock.json has no manifest. ${wayOut}`);
  return base;
}

/** Commit of the checkout, for the provenance. */
export async function sourceOf(root: string): Promise<Source> {
  const lock = createHash('sha256')
    .update(await readFile(join(root, 'package-lock.json')))
    .digest('hex');
  const git = (...args: string[]) =>
    promisify(execFile)('git', ['-C', root, ...args]).then(({ stdout }) => stdout.trim());
  try {
    const commit = await git('rev-parse', 'HEAD');
    return { commit, changed: (await git('status', '--porcelain')) !== '', lock };
  } catch (error) {
    // An archive without .git, or no git at all: the provenance then names the lockfile only.
    if (error instanceof Error) return { commit: null, changed: true, lock };
    throw error;
  }
}
