import { expect, test } from 'vitest';
import { wrongImports } from '../checks/imports.ts';
import { isPermissive } from '../checks/licences.ts';
import { totalsOf } from '../totals.ts';

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  message: 'Error: boom',
  assertionResults: tests.map((each) => ({ status: each, fullName: each })),
});
const report = (...testResults: ReturnType<typeof file>[]) => JSON.stringify({ testResults });

test.each([
  ['all well', { how: 'ok', report: report(file('passed', 'passed', 'passed', 'skipped')) }, [2, 0, 1]],
  ['a failed test', { how: 'exited with 1', report: report(file('failed', 'passed', 'failed')) }, [1, 1, 0]],
  ['a file that could not be loaded', { how: 'exited with 1', report: report(file('failed')) }, [0, 1, 0]],
  ['a beforeAll that threw', { how: 'exited with 1', report: report(file('failed', 'skipped', 'skipped')) }, [0, 1, 2]],
  ['an error outside of any test', { how: 'exited with 1', report: report(file('passed', 'passed')) }, [1, 1, 0]],
  ['all well, and a process left behind', { how: 'lingered', report: report(file('passed', 'passed')) }, [1, 0, 0]],
  ['lingering with a failed test', { how: 'lingered', report: report(file('failed', 'failed')) }, [0, 1, 0]],
  ['a crash before any report', { how: 'ended by SIGKILL', report: undefined }, [0, 1, 0]],
])('totals are true: %s', (_, outcome, [passed, failed, skipped]) => {
  expect(totalsOf(outcome).totals).toEqual({ passed, failed, skipped });
});

test('a test that passed at its second try is counted as passed, and named with what went wrong at its first', () => {
  const twice = {
    name: 'a.int.test.ts',
    status: 'passed',
    assertionResults: [
      { status: 'passed', fullName: 'at once', failureMessages: [] },
      { status: 'passed', fullName: 'at last', failureMessages: ['AssertionError: 503\n    at a.int.test.ts:3:1'] },
      { status: 'failed', fullName: 'never', failureMessages: ['Error: one', 'Error: two'] },
    ],
  };
  expect(totalsOf({ how: 'exited with 1', report: JSON.stringify({ testResults: [twice] }) })).toEqual({
    totals: { passed: 2, failed: 1, skipped: 0 },
    notes: ['flaky: at last (first: AssertionError: 503)'],
  });
});

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0)', true],
  ['Apache-2.0 AND MIT', true],
  ['Apache-2.0 AND GPL-2.0', false],
  ['GPL-3.0', false],
  ['unknown', false],
])('licence %s is permissive: %s', (expression, expected) => {
  expect(isPermissive(expression)).toBe(expected);
});

test.each([
  ['a service its own file', 'runtime/gateway/a.ts', './b.ts', 0],
  ['a service the platform', 'runtime/gateway/a.ts', '../platform/service/log.ts', 0],
  ['a service another service', 'runtime/gateway/a.ts', '../devices/b.ts', 1],
  ['the platform a service', 'runtime/platform/x/a.ts', '../../api/b.ts', 1],
  ['contracts the platform', 'runtime/contracts/a.ts', '../platform/b.ts', 1],
  ['the device library the platform', 'runtime/device/a.ts', '../platform/b.ts', 1],
  ['the composition root any service', 'runtime/local/a.ts', '../devices/b.ts', 0],
  ['a service the command', 'runtime/api/a.ts', '../../cli/b.ts', 1],
  ['an import without its ending', 'runtime/api/a.ts', './b', 1],
])('imports: %s', (_, from, to, problems) => {
  expect(wrongImports(new Map([[from, `import { x } from '${to}';`]]))).toHaveLength(problems);
});

test('imports: a folder without a rule is named', () => {
  expect(wrongImports(new Map([['stray/a.ts', '']]))).toEqual([expect.stringContaining('no rule')]);
});
