import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { totalsOf } from '../totals.ts';

const vitest = resolve(fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url)));

test('the report of the installed vitest tells a second try from a first', () => {
  const folder = mkdtempSync(join(tmpdir(), 'iot-test-retry-'));
  try {
    writeFileSync(
      join(folder, 'some.test.js'),
      `let tries = 0;
       test('at once', () => expect(1).toBe(1));
       test('at last', () => expect(++tries).toBe(2));
       test('never', () => expect(1).toBe(2));`,
    );
    const report = join(folder, 'report.json');
    const args = ['run', '--globals', '--root', folder, '--retry=1', '--reporter=json', `--outputFile=${report}`];
    spawnSync(process.execPath, [vitest, ...args], { cwd: folder, stdio: 'ignore' });
    expect(totalsOf({ how: 'exited with 1', report: readFileSync(report, 'utf8') })).toEqual({
      totals: { passed: 2, failed: 1, skipped: 0 },
      notes: [expect.stringMatching(/^flaky: at last \(first: AssertionError: expected 1 to be 2/)],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
