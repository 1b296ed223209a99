import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pc from 'picocolors';
import { afterAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../cli/main.ts';

const folder = mkdtempSync(join(tmpdir(), 'iot-test-render-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The error that `iot render` ends with. */
async function refusal(...args: string[]): Promise<Error & { exitCode?: number }> {
  const output = { print: () => undefined, say: () => undefined, paint: pc.createColors(false) };
  const program = await createProgram({ env: {}, output }, 'render');
  return program.parseAsync(['render', ...args], { from: 'user' }).then(
    () => expect.fail('it was not refused'),
    (error: Error) => error,
  );
}

describe('iot render, called wrongly', () => {
  test('with a stack that has no file', async () => {
    const error = await refusal('nope', '--out', join(folder, 'new'));
    expect(error.message).toMatch(/no stack is named 'nope': .* there are dev, prod, staging/);
    expect(error.exitCode).toBe(2);
  });

  test('with a folder that holds something else', async () => {
    writeFileSync(join(folder, 'thesis.txt'), 'mine');
    const error = await refusal('dev', '--out', folder);
    expect(error.message).toMatch(/has files that no rendering wrote \(thesis\.txt\)/);
    expect(error.exitCode).toBe(2);
  });
});
