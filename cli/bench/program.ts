import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** What a preview waits for before the engine does anything: a fresh Node loads the program and it registers everything. */
export type ProgramResult = {
  stack: string;
  resources: number;
  /** Seconds of each run: whole process, and of it the program itself. */
  runs: readonly { whole: number; program: number }[];
  /** Seconds, of the whole process. */
  median: number;
  /** Most that a preview may wait, seconds. */
  target: number;
};

const target = 3;

/** Runs the program of a stack in fresh processes under the recorder. @throws Error with what a run said. */
export async function benchProgram(stack: string, runs: number, say: (line: string) => void): Promise<ProgramResult> {
  const results: ProgramResult['runs'][number][] = [];
  let resources = 0;
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('program-process.ts', import.meta.url)), root, stack],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`the program of ${stack} ended with ${code}: its error is above`);
    const whole = (performance.now() - started) / 1_000;
    const said = JSON.parse(text) as { seconds: number; resources: number };
    resources = said.resources;
    results.push({ whole, program: said.seconds });
    say(`run ${run + 1} of ${runs}: ${whole.toFixed(2)} s`);
  }
  const sorted = results.map(({ whole }) => whole).sort((a, b) => a - b);
  return { stack, resources, runs: results, median: sorted[Math.floor(sorted.length / 2)] as number, target };
}

export function programText({ stack, resources, runs, median, target }: ProgramResult): string {
  const each = runs.map(({ whole, program }) => `${whole.toFixed(2)} s (program ${program.toFixed(2)} s)`).join(', ');
  return [
    `program of ${stack}: ${resources} resources, loaded and registered by a fresh Node in ${median.toFixed(2)} s (median of ${runs.length})`,
    `runs: ${each}`,
    `target: at most ${target} s: ${median <= target ? 'held' : 'NOT held'}`,
  ].join('\n');
}
