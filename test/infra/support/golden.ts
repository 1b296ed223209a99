import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { root } from '../truth/compile.ts';

/** Whether committed expectations are written anew instead of compared. Tests alone read it. */
const updating = () => process.env['UPDATE'] === '1';

export type Change = { gone: readonly string[]; come: readonly string[] };

/** Lines of a committed file against those of now; with UPDATE=1 the file is written and nothing differs. */
export function againstGolden(file: string, now: readonly string[]): Change {
  if (updating()) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${now.join('\n')}\n`);
  }
  const then = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  const [was, is] = [new Set(then), new Set(now)];
  return { gone: then.filter((line) => !is.has(line)), come: now.filter((line) => !was.has(line)) };
}

/** The command that makes a golden file anew. */
export const regenerate = (test: string): string => `UPDATE=1 npx vitest run ${test}`;
export const shown = (file: string): string => relative(root, file);
