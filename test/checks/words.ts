import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What must not be in the project: folders of a machine where it was written. Composed, so that this file does not
 * find itself.
 */
const forbidden: readonly RegExp[] = [
  new RegExp(['', 'work', '(main|shared|upstream)\\b'].join('/')),
  new RegExp(['', 'tmp', '(brief|heavy\\.lock|git\\.lock)'].join('/')),
];
/** A lockfile made behind a mirror names the mirror; everybody else's `npm ci` would then ask it. */
const otherRegistry = /"resolved": "(?!https:\/\/registry\.npmjs\.org\/|cli")/;

export function workplaceWords(root: string, files: readonly string[]): string[] {
  const problems: string[] = [];
  for (const path of files) {
    if (/\.(png|jpg|svg|ico|woff2)$/.test(path)) continue;
    const lines = readFileSync(join(root, path), 'utf8').split('\n');
    const patterns = path === 'package-lock.json' ? [...forbidden, otherRegistry] : forbidden;
    for (const [index, line] of lines.entries())
      for (const pattern of patterns)
        if (pattern.test(line)) problems.push(`${path}:${index + 1}: ${line.trim().slice(0, 120)}`);
  }
  return problems;
}
