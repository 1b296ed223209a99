import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { totalsLine } from '../totals.ts';
import { clientOperations, clientSchema } from './client.ts';
import { componentReference } from './components.ts';
import { brokenLinks, unknownCommands } from './documents.ts';
import { wrongImports } from './imports.ts';
import { licenceProblems, notices } from './licences.ts';
import { policiesReference } from './policies.ts';
import { cliReference, settingsReference } from './reference.ts';
import { replacedModules } from './shared-modules.ts';
import { planFiguresReference, stackSettingsReference } from './stack-settings.ts';
import { sourceFiles, trackedFiles } from './tree.ts';
import { workplaceWords } from './words.ts';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** A check: its name, and what it found wrong, one line each. */
type Check = { name: string; find: () => string[] | Promise<string[]> };

/** Files that are written from code; `npm run check -- --write` makes them anew. */
const generated: { path: string; make: () => string | Promise<string> }[] = [
  { path: 'runtime/client/generated/schema.ts', make: clientSchema },
  { path: 'runtime/client/generated/operations.ts', make: clientOperations },
  { path: 'docs/reference/settings.md', make: settingsReference },
  { path: 'docs/reference/cli.md', make: cliReference },
  { path: 'docs/reference/components.md', make: () => componentReference(root) },
  { path: 'docs/reference/stack-settings.md', make: stackSettingsReference },
  { path: 'docs/reference/plan-figures.md', make: planFiguresReference },
  { path: 'docs/reference/policies.md', make: () => policiesReference() },
  { path: 'THIRD-PARTY-NOTICES.md', make: () => notices(root) },
];

const checks: Check[] = [
  { name: 'types (tsc)', find: () => tool('@typescript/native/bin/tsc', ['-p', '.']) },
  {
    name: 'lint and format (biome)',
    find: () => tool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']),
  },
  { name: 'imports point down only', find: () => wrongImports(sourceFiles(root)) },
  { name: 'unit tests replace no module: they share them', find: () => replacedModules(sourceFiles(root)) },
  { name: 'licences are permissive', find: () => licenceProblems(root) },
  { name: 'links in documents lead somewhere', find: () => brokenLinks(root, trackedFiles(root)) },
  { name: 'commands in documents exist', find: () => unknownCommands(root, trackedFiles(root)) },
  { name: 'no path or name of a workplace', find: () => workplaceWords(root, trackedFiles(root)) },
  ...generated.map(({ path, make }) => ({
    name: `${path} is as its source says`,
    find: async () =>
      read(path) === (await make())
        ? []
        : [`${path} is not what its source says: npm run check -- --write makes it anew`],
  })),
];

/** @returns exit code: 0 when every check passed. */
export async function runChecks(args: readonly string[]): Promise<number> {
  const unknown = args.filter((arg) => arg !== '--write');
  if (unknown.length > 0) {
    process.stderr.write(`unknown argument ${unknown.join(' ')}: allowed is --write\n`);
    return 2;
  }
  if (args.includes('--write')) for (const { path, make } of generated) write(path, await make());
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, find } of checks) {
    const problems = await find();
    if (problems.length === 0) totals.passed++;
    else totals.failed++;
    process.stdout.write(`${problems.length === 0 ? 'ok  ' : 'FAIL'}  ${name}\n`);
    for (const problem of problems) process.stdout.write(`      ${problem}\n`);
  }
  process.stdout.write(`${totalsLine(totals)}\n`);
  return totals.failed > 0 ? 1 : 0;
}

function tool(entry: string, args: string[]): string[] {
  const run = spawnSync(process.execPath, [join(root, 'node_modules', entry), ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  if (run.status === 0) return [];
  const said = `${run.stdout}${run.stderr}`.trimEnd().split('\n');
  return said.length > 1 || said[0] !== '' ? said : [`ended with ${run.status ?? run.signal}`];
}

function read(path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
