import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const module = new URL('../../cli/local/outlive-terminal.ts', import.meta.url).href;

test('the launcher stops its parts in order although nobody reads its output any more', async () => {
  const script = `(await import(${JSON.stringify(module)})).outliveTerminal();
    process.on('SIGTERM', () => {
      const stopped = () => setImmediate(() => process.exit(7)); // a failed write's error event comes after its callback
      process.stdout.write('stopping', () => process.stderr.write('stopping', stopped));
    });
    setInterval(() => {}, 1_000);
    process.stdout.write('up');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  await once(child.stdout, 'data');
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.destroy();
    await once(pipe, 'close');
  }
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([7, null]);
});
