import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { freePort } from '../../support/ports.ts';

const MAIN = fileURLToPath(new URL('../../../runtime/local/pubsub/main.ts', import.meta.url));
const READY_MS = 20_000;

export type ServerProcess = {
  readonly host: string;
  readonly healthPort: number;
  readonly pid: number;
  readonly output: () => string;
  /** Resolves with the exit code or the signal that ended the process. */
  readonly ended: Promise<number | string>;
  readonly kill: (signal: 'SIGTERM' | 'SIGKILL') => Promise<number | string>;
  readonly metrics: () => Promise<Map<string, number>>;
  readonly advance: (milliseconds: number) => Promise<void>;
};

/** Starts `runtime/local/pubsub/main.ts` as its own process on `dataDir` and waits until it says that it is ready. */
export async function startServerProcess(
  dataDir: string,
  env: Record<string, string> = {},
  options: { port?: number; pin?: number } = {},
): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const healthPort = await freePort();
  const command =
    options.pin === undefined ? [process.execPath] : ['taskset', '-c', `${options.pin}`, process.execPath];
  const [program = '', ...args] = [...command, MAIN];
  const child = spawn(program, args, {
    env: {
      PATH: process.env['PATH'],
      PUBSUB_PORT: `${port}`,
      PUBSUB_HEALTH_PORT: `${healthPort}`,
      PUBSUB_DATA: dataDir,
      PUBSUB_CLOCK_CONTROL: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'exit').then(([code, signal]) => (code as number | null) ?? (signal as string));
  await ready(child, ended, () => output);
  const health = `http://127.0.0.1:${healthPort}`;
  return {
    host: `127.0.0.1:${port}`,
    healthPort,
    pid: child.pid as number,
    output: () => output,
    ended,
    kill: (signal) => {
      child.kill(signal);
      return ended;
    },
    metrics: async () => parseMetrics(await (await fetch(`${health}/metrics`)).text()),
    advance: async (ms) => {
      const response = await fetch(`${health}/clock/advance?ms=${ms}`, { method: 'POST' });
      if (!response.ok) throw new Error(`advance: ${response.status} ${await response.text()}`);
    },
  };
}

async function ready(child: ChildProcess, ended: Promise<unknown>, output: () => string): Promise<void> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), READY_MS);
  try {
    while (!output().includes('"message":"ready"')) {
      const event = await Promise.race([
        once(child.stdout as NodeJS.ReadableStream, 'data', { signal: controller.signal }).then(() => 'data'),
        ended.then(() => 'ended'),
      ]);
      if (event === 'ended') throw new Error(`the server ended before it was ready:\n${output()}`);
    }
  } finally {
    clearTimeout(timer);
  }
}

function parseMetrics(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && !line.startsWith('#')) values.set(name, Number(value));
  }
  return values;
}
