import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** The unit tests of the infrastructure, as one person waits for them. */
export type SuiteResult = {
  passed: number;
  failed: number;
  seconds: number;
  /** Most that they may take, seconds. */
  target: number;
};

const target = 60;

/** Runs the suite once. @throws Error when the runner left no report. */
export async function benchSuite(): Promise<SuiteResult> {
  const folder = await mkdtemp(join(tmpdir(), 'iot-bench-suite-'));
  try {
    const report = join(folder, 'report.json');
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const started = performance.now();
    const child = spawn(
      process.execPath,
      [vitest, 'run', '--project', 'unit', '--reporter', 'json', `--outputFile=${report}`, 'test/infra'],
      // What it says goes to stderr: stdout is this command's own, for --json too.
      { cwd: root, stdio: ['ignore', process.stderr, 'inherit'] },
    );
    const [code] = (await once(child, 'close')) as [number | null];
    const seconds = (performance.now() - started) / 1_000;
    const text = await readFile(report, 'utf8').catch((cause: unknown) => {
      throw new Error(`vitest ended with ${code} and left no report`, { cause });
    });
    const { numPassedTests, numFailedTests } = JSON.parse(text) as { numPassedTests: number; numFailedTests: number };
    return { passed: numPassedTests, failed: numFailedTests, seconds, target };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const suiteText = ({ passed, failed, seconds, target }: SuiteResult): string =>
  `infrastructure suite: ${passed} passed, ${failed} failed in ${seconds.toFixed(1)} s; target: at most ${target} s: ${seconds <= target ? 'held' : 'NOT held'}`;
