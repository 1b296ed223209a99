import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of the project's own files: what git tracks or would track, without what is deleted in the working tree. */
export function trackedFiles(root: string): string[] {
  const text = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return [...new Set(text.split('\0').filter(Boolean))].filter((path) => existsSync(join(root, path))).sort();
}

/** Every TypeScript file with its text, by path. */
export function sourceFiles(root: string): Map<string, string> {
  const paths = trackedFiles(root).filter((path) => /\.(ts|tsx|mjs)$/.test(path));
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}
