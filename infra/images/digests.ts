import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Base, baseOf, parseBaseLock } from './base-lock.ts';
import type { ImageName } from './names.ts';
import { cacheFolder, cloneRoot, lockPath } from './paths.ts';
import type { Digests } from './plan.ts';

/** @returns null when the lock has no manifest. @throws Error for a lock whose bytes are not what their digests say. */
export const readBase = async (root: string): Promise<Base | null> =>
  baseOf(parseBaseLock(await readFile(lockPath(root), 'utf8')));

/** Digests of the images that this clone builds. */
export const digestsOfThisClone: Digests = (names) => digestsOf(cloneRoot, names);

/**
 * Digests from the cache, or by building. A preview asks each time, so that the answer is kept under a hash of everything
 * that goes in: sources, lockfile, what npm installed, the builder itself. A push builds anew and compares.
 */
export async function digestsOf(root: string, names: readonly ImageName[]): Promise<Record<string, string> | null> {
  const base = await readBase(root);
  if (base === null) return null;
  const file = join(root, cacheFolder, `digests-${await inputsHash(root)}.json`);
  const known = await readKnown(file);
  const missing = names.filter((name) => known[name] === undefined);
  if (missing.length > 0) {
    // Loaded only now: most previews find every digest in the cache, and the bundler is half of a second to load.
    const { buildImages } = await import('./build.ts');
    for (const { name, digest } of await buildImages(root, base, missing)) known[name] = digest;
    await mkdir(join(root, cacheFolder), { recursive: true });
    const making = `${file}.${process.pid}`;
    await writeFile(making, JSON.stringify(known));
    await rename(making, file);
    await forgetOthers(root, file);
  }
  return Object.fromEntries(names.map((name) => [name, known[name] as string]));
}

async function readKnown(file: string): Promise<Record<string, string>> {
  if (!existsSync(file)) return {};
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
}

/** One tree at a time is worth keeping. */
async function forgetOthers(root: string, kept: string): Promise<void> {
  const stale = (await readdir(join(root, cacheFolder))).filter((name) => /^digests-[0-9a-f]{32}\.json$/.test(name));
  const others = stale.map((name) => join(root, cacheFolder, name)).filter((path) => path !== kept);
  await Promise.all(others.map((path) => rm(path, { force: true })));
}

/** More than each image needs (a change in one service asks for all of them again), and so never too little. */
async function inputsHash(root: string): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  const add = async (path: string) => {
    const bytes = await readFile(join(root, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  };
  for (const folder of ['runtime', 'infra/images']) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const path of files.sort()) await add(path.slice(root.length + 1));
  }
  // npm writes the second at each install: a package changed by hand changes neither, and then the push refuses.
  for (const path of ['package-lock.json', 'node_modules/.package-lock.json', 'tsconfig.json', 'LICENSE'])
    if (existsSync(join(root, path))) await add(path);
  return hash.digest('hex').slice(0, 32);
}
