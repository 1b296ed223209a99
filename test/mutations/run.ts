import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Mutation, mutations } from './mutations.ts';

/**
 * Breaks one law of the message path at a time, in a copy of the tree, and requires that the named test turns red.
 * A mutation whose text is no longer in the file fails too: the list must follow the code.
 * Prints one line each and a last line `N passed, N failed, 0 skipped`; exit code 1 when a mutation survives.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const wanted = process.argv.slice(2);
const chosen = wanted.length === 0 ? mutations : mutations.filter((m) => wanted.includes(m.name));

let failed = 0;
for (const mutation of chosen) {
  const verdict = await judge(mutation);
  if (verdict !== 'killed') failed += 1;
  process.stdout.write(
    `${verdict === 'killed' ? 'ok  ' : 'FAIL'} ${mutation.name}: ${verdict === 'killed' ? `'${mutation.test}' turns red` : verdict}\n`,
  );
}
process.stdout.write(`mutations: ${chosen.length - failed} passed, ${failed} failed, 0 skipped\n`);
process.exit(failed === 0 ? 0 : 1);

async function judge(mutation: Mutation): Promise<string> {
  const copy = mkdtempSync(join(tmpdir(), 'iot-mutation-'));
  try {
    for (const file of trackedFiles()) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      cpSync(join(root, file), join(copy, file));
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const path = join(copy, mutation.file);
    const text = readFileSync(path, 'utf8');
    if (text.split(mutation.find).length !== 2)
      return `${mutation.file} has the text to mutate ${text.split(mutation.find).length - 1} times, it must stand there once`;
    writeFileSync(
      path,
      text.replace(mutation.find, () => mutation.replace),
    );
    const report = join(copy, 'mutation-report.json');
    spawnSync(
      process.execPath,
      [
        join(root, 'node_modules', 'vitest', 'vitest.mjs'),
        'run',
        mutation.suite,
        '-t',
        literally(mutation.test),
        '--reporter=json',
        `--outputFile=${report}`,
      ],
      {
        cwd: copy,
        timeout: 180_000,
        stdio: 'ignore',
        env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH']}` },
      },
    );
    return read(report, mutation);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function read(report: string, mutation: Mutation): string {
  let results: { testResults: { assertionResults: { title: string; status: string }[] }[] };
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch (error) {
    return `no report from ${mutation.suite}: ${(error as Error).message}`;
  }
  // A suite that runs on several servers has its titles several times; one of them red is enough.
  const tests = results.testResults.flatMap((f) => f.assertionResults).filter((t) => t.title === mutation.test);
  if (tests.length === 0) return `${mutation.suite} has no test '${mutation.test}'`;
  return tests.some((t) => t.status === 'failed') ? 'killed' : `survived: '${mutation.test}' is ${tests[0]?.status}`;
}

function trackedFiles(): string[] {
  const listed = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  if (listed.status !== 0) throw new Error(`git ls-files failed: ${listed.stderr}`);
  return listed.stdout.split('\n').filter((name) => name !== '');
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
