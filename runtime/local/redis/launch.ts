import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../platform/service/log.ts';

export type RedisPlan = {
  kind: 'redis-server' | 'valkey-server' | 'stand-in';
  command: string;
  args: string[];
  env: Record<string, string>;
  url: string;
};

/**
 * How to spawn Redis on this machine: a real server from PATH, else the stand-in. Loopback only, nothing kept on disk:
 * everything in it can be rebuilt (law 3).
 * @param options.memoryMb bound of a real server's data; the stand-in has its own (server.ts).
 */
export async function launchRedis(options: {
  port: number;
  dataDir: string;
  log: Log;
  path?: string;
  memoryMb?: number;
}): Promise<RedisPlan> {
  const { port, log, path = process.env['PATH'] ?? '', memoryMb = 256 } = options;
  const url = `redis://127.0.0.1:${port}`;
  for (const kind of ['valkey-server', 'redis-server'] as const) {
    const command = await executable(kind, path);
    if (command === null) continue;
    const dir = join(options.dataDir, 'redis'); // its working folder; it writes nothing there
    await mkdir(dir, { recursive: true });
    log.info({ kind, command, port }, 'Redis from PATH');
    return { kind, command, args: serverArguments(port, dir, memoryMb), env: { LC_ALL: 'C' }, url };
  }
  log.info({ port }, 'no valkey-server or redis-server on PATH: using the stand-in');
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  return { kind: 'stand-in', command: process.execPath, args: [main], env: { REDIS_PORT: String(port) }, url };
}

/** `noeviction`: an evicted key would be a lost newest state that nobody notices; a full server is noticed. */
function serverArguments(port: number, dir: string, memoryMb: number): string[] {
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    'protected-mode': 'yes',
    daemonize: 'no',
    save: '',
    appendonly: 'no',
    dir,
    maxmemory: `${memoryMb}mb`,
    'maxmemory-policy': 'noeviction',
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

async function executable(name: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const file = join(folder, name);
    try {
      await access(file, constants.X_OK);
      if ((await stat(file)).isFile()) return file;
    } catch {
      // not in this folder: PATH is searched to its end
    }
  }
  return null;
}
