import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchRedis } from '../../../runtime/local/redis/launch.ts';
import { startRedisStandIn } from '../../../runtime/local/redis/server.ts';
import { quietLog } from '../../support/log.ts';
import { freePort } from '../../support/ports.ts';

export type TestRedis = { port: number; url: string; stop: () => Promise<void>; process?: ChildProcess };

const realName = ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).error === undefined);

/** A real server is on PATH. In CI it must be: the tests then run, and fail. */
export const realRedis: { available: boolean; skipReason: string } = {
  available: realName !== undefined || process.env['CI'] !== undefined,
  skipReason: 'skipped: neither redis-server nor valkey-server is on PATH',
};

/** The servers that every suite of this folder runs on. */
export const servers: { name: string; available: boolean; start: () => Promise<TestRedis> }[] = [
  { name: 'stand-in', available: true, start: startStandIn },
  {
    name: realRedis.available ? 'real server' : `real server (${realRedis.skipReason})`,
    available: realRedis.available,
    start: startReal,
  },
];

export async function startStandIn(): Promise<TestRedis> {
  const faults: unknown[] = [];
  const server = await startRedisStandIn({
    port: await freePort(),
    onProblem: (problem, error) => {
      if (error !== undefined) faults.push(problem, error);
    },
  });
  return {
    port: server.port,
    url: `redis://127.0.0.1:${server.port}`,
    async stop() {
      await server.close();
      if (faults.length > 0) throw new Error('the stand-in had a fault', { cause: faults });
    },
  };
}

/** A real server, spawned as the local launcher does. @param extra further arguments, such as `--requirepass`. */
export async function startReal(extra: string[] = [], port?: number): Promise<TestRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), 'iot-test-redis-'));
  const plan = await launchRedis({ port: port ?? (await freePort()), dataDir, log: quietLog });
  if (plan.kind === 'stand-in') throw new Error('no redis-server or valkey-server on PATH: install one');
  const child = spawn(plan.command, [...plan.args, ...extra], { env: plan.env, stdio: 'ignore' });
  const answered = await answers(Number(new URL(plan.url).port), child);
  if (!answered) {
    child.kill('SIGKILL');
    throw new Error(`${plan.command} did not start`);
  }
  return {
    port: Number(new URL(plan.url).port),
    url: plan.url,
    process: child,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function answers(port: number, child: ChildProcess): Promise<boolean> {
  for (let tries = 0; tries < 500 && child.exitCode === null; tries += 1) {
    const socket = createConnection(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      await sleep(10); // it does not listen yet
    } finally {
      socket.destroy();
    }
  }
  return false;
}

/** An error's message, of a promise that must fail. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    const value = await promise;
    return `no failure, but ${JSON.stringify(value)}`;
  } catch (error) {
    return (error as Error).message;
  }
}
