import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./bare-process.ts', import.meta.url));

/** Bare aedes with the gateway's own certificates: what a number of ours is compared with in the same run. */
export async function startBare(tlsDir: string): Promise<{ pid: number; port: number; stop(): Promise<void> }> {
  const port = await portBelowEphemeral();
  const child = spawn(process.execPath, [script, tlsDir, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => Promise.reject(new Error(`bare aedes ended with ${child.exitCode ?? child.signalCode}`))),
  ]);
  return {
    pid: child.pid as number,
    port,
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Outgoing connections take their ports from 32768 up; thousands of them would meet a listener there. */
export async function portBelowEphemeral(from = 29_000): Promise<number> {
  for (let port = from; port < 30_000; port++) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error('no free port between 29000 and 30000');
}
