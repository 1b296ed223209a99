import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
/** What the bundle is made of. */
const sources = [here, join(here, '..', 'client'), join(here, '..', 'contracts')];

/**
 * Bundles the dashboard into `outDir`: `index.html`, and `assets/` with content-hashed names that may be cached for
 * ever. Written beside and renamed, so that a server never sees half of it.
 * @returns names and sizes in bytes of what was written; an unchanged source tree is not built again.
 */
export async function buildDashboard(
  outDir: string,
): Promise<{ built: boolean; files: { name: string; bytes: number }[] }> {
  const stamp = await sourceStamp();
  const stampFile = join(outDir, 'source-stamp');
  if ((await readFile(stampFile, 'utf8').catch(() => '')) === stamp)
    return { built: false, files: await listing(outDir) };
  const making = `${outDir}.making-${process.pid}`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  const result = await build({
    // Names and hashes are the same from whatever folder the build is called.
    absWorkingDir: join(here, '..', '..'),
    entryPoints: [join(here, 'src', 'main.tsx')],
    outdir: join(making, 'assets'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    sourcemap: 'linked',
    metafile: true,
    entryNames: '[name]-[hash]',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'linked',
    logLevel: 'silent',
  });
  const outputs = Object.keys(result.metafile.outputs).map((path) => basename(path));
  const script = outputs.find((name) => /^main-.*\.js$/.test(name));
  const style = outputs.find((name) => /^main-.*\.css$/.test(name));
  if (script === undefined || style === undefined)
    throw new Error(`dashboard build made no script or style: ${outputs.join(', ')}`);
  const page = await readFile(join(here, 'index.html'), 'utf8');
  await writeFile(
    join(making, 'index.html'),
    page.replace('{{script}}', `/assets/${script}`).replace('{{style}}', `/assets/${style}`),
  );
  await writeFile(join(making, 'favicon.svg'), await readFile(join(here, 'favicon.svg')));
  await writeFile(join(making, 'source-stamp'), stamp);
  await rm(outDir, { recursive: true, force: true });
  await rename(making, outDir);
  return { built: true, files: await listing(outDir) };
}

async function sourceStamp(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of sources)
    for (const entry of (await readdir(folder, { recursive: true })).sort()) {
      const path = join(folder, entry);
      if ((await stat(path)).isFile()) hash.update(entry).update(await readFile(path));
    }
  hash.update(await readFile(join(here, '..', '..', 'package-lock.json')));
  return hash.digest('hex');
}

async function listing(dir: string): Promise<{ name: string; bytes: number }[]> {
  const names = (await readdir(dir, { recursive: true })).sort();
  const files = await Promise.all(names.map(async (name) => ({ name, info: await stat(join(dir, name)) })));
  return files.filter((f) => f.info.isFile()).map((f) => ({ name: f.name, bytes: f.info.size }));
}
