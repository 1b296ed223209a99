import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/ports.ts';
import { type Stand, until } from './harness.ts';

const main = fileURLToPath(new URL('../../runtime/processor/main.ts', import.meta.url));

/** `runtime/processor/main.ts` as a process of its own on this stand, ready. The caller ends it. */
export async function spawnProcessor(s: Stand, namespace: string) {
  const healthPort = await freePort();
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      IOT_INSTANCE: 'processor',
      IOT_NAMESPACE: namespace,
      IOT_HEALTH_PORT: String(healthPort),
      IOT_REDIS_URL: s.redis.url,
      IOT_CORE_DATABASE_URL: s.postgres.as('processor').core,
      IOT_SHARD_DATABASE_URLS: Object.entries(s.postgres.as('processor').shards)
        .map(([name, url]) => `${name}=${url}`)
        .join(','),
      IOT_PUBSUB_PROJECT: s.bus.project,
      PUBSUB_EMULATOR_HOST: s.host,
    },
  });
  const lines: string[] = [];
  child.stdout?.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n')));
  const get = async (path: string) => fetch(`http://127.0.0.1:${healthPort}${path}`).catch(() => undefined);
  await until('ready', async () => (await get('/readyz'))?.status === 200);
  return { child, lines, get };
}
