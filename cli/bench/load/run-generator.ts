import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoadPlan, LoadResult } from './generator.ts';

const script = fileURLToPath(new URL('./generator-process.ts', import.meta.url));

/** A generator process that has its connections and waits for `run`. */
export type Generator = { pid: number; run(): Promise<LoadResult>; kill(): void };

/** @throws when a connection cannot be made; the message is the generator's. */
export async function startGenerator(plan: LoadPlan): Promise<Generator> {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  const reply = async (): Promise<{ result?: LoadResult }> => {
    const next = await replies.next();
    if (next.done === true) {
      await exited;
      throw new Error(`the load generator ended with ${child.exitCode ?? child.signalCode} before it answered`);
    }
    // JSON has no NaN: the percentiles of a run without any acknowledgement come as null.
    const parsed = JSON.parse(next.value, (_, value: unknown) => (value === null ? Number.NaN : value)) as {
      error?: string;
      result?: LoadResult;
    };
    if (parsed.error !== undefined) throw new Error(parsed.error);
    return parsed;
  };
  const write = (text: string) => {
    child.stdin.write(`${text}\n`);
  };
  write(JSON.stringify(plan));
  await reply();
  return {
    pid: child.pid as number,
    async run() {
      write('run');
      const { result } = await reply();
      await exited;
      return result as LoadResult;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
