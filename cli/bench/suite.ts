import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

/** Runs the suite once. @throws Error when the runner said nothing that can be read. */
export async function benchSuite(): Promise<SuiteResult> {
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'unit', '--reporter', 'json', 'test/infra'],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  const said = text.split('\n').find((line) => line.startsWith('{"'));
  if (said === undefined) throw new Error(`vitest gave no result: ${text.slice(0, 500)}`);
  const { numPassedTests, numFailedTests } = JSON.parse(said) as { numPassedTests: number; numFailedTests: number };
  return { passed: numPassedTests, failed: numFailedTests, seconds: (performance.now() - started) / 1_000, target };
}

export const suiteText = ({ passed, failed, seconds, target }: SuiteResult): string =>
  `infrastructure suite: ${passed} passed, ${failed} failed in ${seconds.toFixed(1)} s; target: at most ${target} s: ${seconds <= target ? 'held' : 'NOT held'}`;
