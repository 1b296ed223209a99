import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import type { ImageName } from './names.ts';

/** An npm package of which something is in a bundle. */
export type BundledPackage = {
  name: string;
  version: string;
  /** SPDX expression of its package.json. */
  licence: string;
  /** Folder inside the checkout: `node_modules/pg`. */
  folder: string;
  /** Licence and notice texts that have to go along. */
  notices: string;
};
export type Bundle = { name: ImageName; files: ReadonlyMap<string, Uint8Array>; packages: readonly BundledPackage[] };

/**
 * Packages that a bundle asks for at run time and does well without: each stands in a `try` of the package that asks.
 * They stay outside, so that a bundle is the same whether somebody has them installed or not.
 */
const optional = ['pg-native', 'cbor-extract', 'supports-color', 'bufferutil', 'utf-8-validate'];

/** CommonJS packages inside an ES module need these names; they find Node's own modules only. */
const banner = [
  "import{createRequire as __createRequire}from'node:module'",
  "import{fileURLToPath as __fileURLToPath}from'node:url'",
  'const require=__createRequire(import.meta.url),__filename=__fileURLToPath(import.meta.url)',
  "__dirname=__fileURLToPath(new URL('.',import.meta.url))",
];

/**
 * One ES module for each image, with all npm code inside and its source map beside: identifiers keep their names, so that
 * a stack trace can be read even without the map. The same inputs give the same bytes, in whatever folder the checkout is.
 * @throws Error naming the entry point that is missing, or the package that would be needed at run time.
 */
export async function bundle(root: string, names: readonly ImageName[]): Promise<readonly Bundle[]> {
  for (const name of names)
    if (!existsSync(join(root, entryOf(name))))
      throw new Error(`image ${name}: its entry point ${entryOf(name)} does not exist in ${root}`);
  const { build } = await import('esbuild');
  const result = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(names.map((name) => [name, entryOf(name)])),
    // Sources in the map are relative to this folder, which is never written.
    outdir: 'app',
    write: false,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: true,
    sourcemap: 'linked',
    // The text is in the repository at the commit that the provenance names; in the image it would be half of its size.
    sourcesContent: false,
    legalComments: 'none',
    external: optional,
    banner: { js: `${banner[0]};${banner[1]};${banner[2]},${banner[3]};` },
    // Where a developer's own tsconfig or NODE_ENV would change the bytes.
    define: { 'process.env.NODE_ENV': '"production"' },
    metafile: true,
    logLevel: 'silent',
  });
  const cache = new Map<string, Promise<BundledPackage>>();
  return Promise.all(
    names.map(async (name): Promise<Bundle> => {
      const output = result.metafile.outputs[`app/${name}.mjs`];
      if (output === undefined) throw new Error(`image ${name}: the bundler wrote no app/${name}.mjs`);
      refuseImports(name, output);
      const files = new Map(
        result.outputFiles
          .map((file) => [file.path.slice(root.length).replace(/^\/+/, ''), file.contents] as const)
          .filter(([path]) => path === `app/${name}.mjs` || path === `app/${name}.mjs.map`),
      );
      return { name, files, packages: await packagesOf(root, Object.keys(output.inputs), cache) };
    }),
  );
}

export const entryOf = (name: ImageName): string => `runtime/${name}/main.ts`;

/** There is no node_modules in the image: what is not bundled has to be Node's own, or stand in the list above. */
function refuseImports(name: ImageName, { imports }: Metafile['outputs'][string]): void {
  const known = new Set([...builtinModules, ...optional]);
  const needed = imports.filter(({ path, external }) => external && !path.startsWith('node:') && !known.has(path));
  if (needed.length > 0)
    throw new Error(
      `image ${name}: the bundle would import ${[...new Set(needed.map(({ path }) => path))].join(', ')} at run time, and the image has no node_modules; import it so that the bundler can follow, or name it as optional in infra/images/bundle.ts`,
    );
}

async function packagesOf(
  root: string,
  inputs: readonly string[],
  cache: Map<string, Promise<BundledPackage>>,
): Promise<readonly BundledPackage[]> {
  const folders = new Set(inputs.map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]));
  folders.delete(undefined);
  const sorted = ([...folders] as string[]).sort();
  return Promise.all(
    sorted.map((folder) => {
      const known = cache.get(folder) ?? packageOf(root, folder);
      cache.set(folder, known);
      return known;
    }),
  );
}

const noticeFile = /^(licen[cs]e|copying|notice)/i;

async function packageOf(root: string, folder: string): Promise<BundledPackage> {
  const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: unknown;
  };
  const files = (await readdir(join(root, folder), { withFileTypes: true }))
    .filter((entry) => entry.isFile() && noticeFile.test(entry.name))
    .map((entry) => entry.name)
    .sort();
  const texts = await Promise.all(files.map((file) => readFile(join(root, folder, file), 'utf8')));
  const licence = typeof license === 'string' ? license : 'NOASSERTION';
  return { name, version, licence, folder, notices: texts.map((text) => text.trim()).join('\n\n') };
}
