import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addTotals, type Outcome, type Totals, totalsLine, totalsOf } from './totals.ts';

const root = resolve(fileURLToPath(new URL('..', import.meta.url)));
/** In this order: what is quickest to fail comes first. Minutes are a bound for a hang, not an expectation. */
const suites = [
  { name: 'unit', minutes: 20, retry: 0 },
  // Real parts on a busy machine: a test may run twice, and is named when it had to (docs/decisions/0015-one-retry.md).
  { name: 'integration', minutes: 20, retry: 1 },
  { name: 'e2e', minutes: 20, retry: 1 },
] as const;

/**
 * Runs vitest once a suite. Arguments: names of suites, anything else goes to vitest (a file's path, `-t NAME`).
 * @returns exit code: 0 when all passed.
 */
export async function runSuites(args: readonly string[]): Promise<number> {
  const named = suites.filter((suite) => args.includes(suite.name));
  const rest = args.filter((arg) => !suites.some((suite) => suite.name === arg));
  let totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  const lines: string[] = [];
  for (const suite of named.length > 0 ? named : suites) {
    process.stdout.write(`\n== ${suite.name} ==\n`);
    const began = performance.now();
    const outcome = await runSuite(suite, rest);
    const { totals: own, notes } = totalsOf(outcome);
    totals = addTotals(totals, own);
    const seconds = ((performance.now() - began) / 1_000).toFixed(0).padStart(4);
    lines.push(`${suite.name.padEnd(12)} ${seconds} s  ${totalsLine(own)}`, ...notes.map((note) => `  ${note}`));
  }
  process.stdout.write(`\n${lines.join('\n')}\n${totalsLine(totals)}\n`);
  return totals.failed > 0 ? 1 : 0;
}

async function runSuite(suite: (typeof suites)[number], args: readonly string[]): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'iot-test-report-'));
  const file = join(folder, 'report.json');
  try {
    const how = await vitest(
      [
        'run',
        '--project',
        suite.name,
        `--retry=${suite.retry}`,
        '--passWithNoTests',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${file}`,
        ...args,
      ],
      suite.minutes,
      file,
    );
    return { how, report: await readFile(file, 'utf8').catch(() => undefined) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** After its report vitest only tidies up; a process that a test left behind can hold it for ever. */
const lingersMs = 60_000;

/** @returns `ok`, `lingered` when it had to be ended after its report was whole, or how vitest ended instead. */
function vitest(args: string[], minutes: number, report: string): Promise<string> {
  const entry = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [entry, ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((done) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      done(`was ended after ${minutes} minutes`);
    }, minutes * 60_000);
    let reportedAt: number | undefined;
    const look = setInterval(() => {
      if (!existsSync(report)) return;
      reportedAt ??= performance.now();
      if (performance.now() - reportedAt < lingersMs) return;
      child.kill('SIGKILL');
      end('lingered');
    }, 1_000);
    const end = (how: string) => {
      clearTimeout(timer);
      clearInterval(look);
      done(how);
    };
    child.once('error', (error) => end(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      end(code === 0 ? 'ok' : signal === null ? `exited with ${code}` : `ended by ${signal}`),
    );
  });
}
