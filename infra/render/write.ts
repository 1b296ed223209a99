import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { RenderedFile } from './resources.ts';

/** Lists what a rendering wrote; a folder with it may be written anew, and only the listed files are removed from it. */
const manifest = '.iot-render.json';

/** A folder into which nothing may be written; the message says what is there. */
export class ForeignFolderError extends Error {
  constructor(folder: string, found: readonly string[]) {
    super(
      `${folder} has files that no rendering wrote (${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}): give an empty or new folder`,
    );
    this.name = 'ForeignFolderError';
  }
}

/**
 * Writes a rendering; files of an earlier one that are no longer part of it go.
 * @throws ForeignFolderError when the folder has anything else in it; Error for a file that would leave the folder; both
 *   before anything is written.
 */
export function writeRendering(folder: string, files: readonly RenderedFile[]): void {
  for (const { path } of files)
    if (!isInside(folder, path)) throw new Error(`rendering '${path}': it would be written outside ${folder}`);
  const earlier = writtenBefore(folder);
  for (const path of earlier) rmSync(join(folder, path), { force: true });
  for (const { path, text } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  writeFileSync(join(folder, manifest), `${JSON.stringify(files.map(({ path }) => path).sort(), null, 2)}\n`);
}

function isInside(folder: string, path: string): boolean {
  const way = relative(resolve(folder), resolve(folder, path));
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`);
}

/** Files of an earlier rendering that are really there: what the list says beyond that is not followed anywhere. */
function writtenBefore(folder: string): string[] {
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    return [];
  }
  const found = filesIn(folder);
  const own = existsSync(join(folder, manifest))
    ? (JSON.parse(readFileSync(join(folder, manifest), 'utf8')) as string[])
    : [];
  const foreign = found.filter((path) => path !== manifest && !own.includes(path));
  if (foreign.length > 0) throw new ForeignFolderError(folder, foreign.sort());
  return found.filter((path) => path !== manifest);
}

/** Everything but folders. A link is a file of its own: readdir's own recursion would go where it leads. */
const filesIn = (folder: string, below = ''): string[] =>
  readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(folder, join(below, entry.name)) : [join(below, entry.name)],
  );
