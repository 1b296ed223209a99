import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type ImageName, imageNames } from '../../infra/images/names.ts';
import { cloneRoot, lockPath } from '../../infra/images/paths.ts';
import type { Context } from '../context.ts';
import { CommandError, UsageError } from '../errors.ts';

/** Images without Docker. The builder is loaded when a command runs: the other commands do not wait for a bundler. */
export function registerImage(program: Command, { env, output }: Context): void {
  const image = program.command('image').description('Container images of this clone, built without Docker');
  image
    .command('build')
    .description('Build images and say their digests; nothing is sent')
    .argument('[names...]', `of ${imageNames.join(', ')}; all, if none is named`)
    .action(async (names: string[]) => {
      const { buildImages, buildLayers } = await import('../../infra/images/build.ts');
      const { readBase } = await import('../../infra/images/digests.ts');
      const wanted = namesOf(names);
      const base = await failing(readBase(cloneRoot));
      if (base === null) {
        for (const { name, layer } of await failing(buildLayers(cloneRoot, wanted)))
          output.say(`${name} layer ${layer.descriptor.digest} ${megabytes(layer.descriptor.size)}`);
        output.say(`The image digests are not known: ${await unresolved()}`);
        return;
      }
      for (const { name, digest, layer } of await failing(buildImages(cloneRoot, base, wanted)))
        output.say(`${name} ${digest} layer ${megabytes(layer.descriptor.size)}`);
    });
  image
    .command('push')
    .description('Build images and push them; credentials are application default credentials')
    .argument('[names...]', `of ${imageNames.join(', ')}; all, if none is named`)
    .requiredOption(
      '--to <repository>',
      'HOST/PATH that each name is added to: europe-west1-docker.pkg.dev/PROJECT/REPOSITORY',
    )
    .action(async (names: string[], options: { to: string }) => {
      const { pushBuilt } = await import('../../infra/images/push-one.ts');
      const { googleToken } = await import('../../infra/images/credentials.ts');
      const [, host, path] = /^([a-z0-9.-]+(?::\d+)?)\/([a-z0-9._/-]+)$/.exec(options.to) ?? [];
      if (host === undefined || path === undefined)
        throw new UsageError(
          `--to is '${options.to}': allowed is HOST/PATH, as europe-west1-docker.pkg.dev/PROJECT/REPOSITORY`,
        );
      for (const name of namesOf(names)) {
        const to = { host, path: `${path}/${name}` };
        const { digest, sent } = await failing(pushBuilt(cloneRoot, name, to, googleToken(env)));
        output.say(`${host}/${path}/${name}@${digest}: ${sent === 0 ? 'was there' : `${sent} blobs sent`}`);
      }
    });
  image
    .command('lock')
    .description("Read the base image's documents from its registry into infra/images/base.lock.json")
    .option('--base <reference>', 'another base: HOST/PATH@sha256:DIGEST')
    .action(async (options: { base?: string }) => {
      const { parseBaseLock } = await import('../../infra/images/base-lock.ts');
      const { parseReference } = await import('../../infra/images/reference.ts');
      const { lockText, refreshedLock } = await import('../../infra/images/lock.ts');
      const { Registry } = await import('../../infra/images/registry.ts');
      const { googleToken } = await import('../../infra/images/credentials.ts');
      const old = await failing(readFile(lockPath(cloneRoot), 'utf8').then(parseBaseLock));
      const lock = { ...old, reference: options.base ?? old.reference };
      const { host, path } = await failing((async () => parseReference(lock.reference))());
      const fresh = await failing(refreshedLock(lock, new Registry({ host, path, token: googleToken(env) })));
      await writeFile(lockPath(cloneRoot), lockText(fresh));
      output.say(
        `infra/images/base.lock.json has ${Object.keys(fresh.documents).length} documents of ${lock.reference}; commit it`,
      );
    });
}

function namesOf(given: readonly string[]): readonly ImageName[] {
  const unknown = given.filter((name) => !imageNames.includes(name as ImageName));
  if (unknown.length > 0) throw new UsageError(`image '${unknown[0]}': allowed are ${imageNames.join(', ')}`);
  return given.length === 0 ? imageNames : (given as ImageName[]);
}

/** The builder's and the registry's messages say all there is to say. */
async function failing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new CommandError((error as Error).message, { cause: error });
  }
}

async function unresolved(): Promise<string> {
  return (await import('../../infra/images/plan.ts')).wayOut;
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
