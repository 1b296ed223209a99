import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { MonolithPlan } from './server.ts';

const script = fileURLToPath(new URL('./monolith-process.ts', import.meta.url));

/** @throws when it ends before it listens; its own words are on standard error. */
export async function startMonolithProcess(plan: MonolithPlan): Promise<{ pid: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  child.stdin.write(`${JSON.stringify(plan)}\n`);
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => Promise.reject(new Error(`the monolith ended with ${child.exitCode ?? child.signalCode}`))),
  ]);
  return {
    pid: child.pid as number,
    async stop() {
      child.stdin.end();
      const limit = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(limit);
    },
  };
}
