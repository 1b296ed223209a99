import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { checkout, type DataFolder } from './folder.ts';
import { endProcess } from './orphans.ts';
import { healthUrl, type PlanInput, planSettings, pubsubHealthUrl, type ServiceName, services } from './plan.ts';
import { type PostgresPlan, postmasterPid } from './postgres/postgres.ts';
import { healthByHttp, notReadyByHttp, notReadyRedis } from './probes.ts';
import { commandOf, identify } from './proc.ts';
import type { PartSpec } from './supervisor.ts';

/** How each part of the platform is started, asked and ended. */

/** What every Node process gets besides its settings. Node's compile cache halves the time of a second start. */
function nodeEnvironment(folder: DataFolder): Record<string, string> {
  const { PATH = '/usr/bin:/bin', HOME = '/', TMPDIR } = process.env;
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), NODE_COMPILE_CACHE: folder.at('cache') };
}

const nodeArgs = (...entry: string[]) => [join(checkout, 'runtime', ...entry)];
const ordinary = { cwd: checkout, stopSignal: 'SIGTERM', hurrySignal: 'SIGKILL', stopWithinMs: 10_000 } as const;

export function postgresPart(plan: PostgresPlan): PartSpec {
  return {
    name: 'postgres',
    service: 'postgres',
    command: plan.command,
    args: plan.args,
    env: plan.env,
    cwd: '/',
    account: { uid: plan.uid, gid: plan.gid },
    stopSignal: 'SIGINT', // fast shutdown: sessions end, a checkpoint is written
    hurrySignal: 'SIGQUIT', // immediate shutdown: the next start replays the log
    stopWithinMs: 20_000,
    notReady: () => notReadyPostgres(plan.urlOf('postgres')),
  };
}

async function notReadyPostgres(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  try {
    await client.connect();
    await client.query('select 1');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end();
  }
}

/**
 * Ends a Postgres server that runs on our data folder without a supervisor: after a kill -9 of launcher and status
 * file alike. Its pid file names it; its command line must name our folder, since a pid may be somebody else's by now.
 */
export async function endStrayPostgres(postgresFolder: string): Promise<boolean> {
  const pid = await postmasterPid(postgresFolder);
  const command = pid === undefined ? undefined : await commandOf(pid);
  if (pid === undefined || command === undefined || !command.includes(join(postgresFolder, 'pgdata'))) return false;
  const id = await identify(pid);
  if (id !== undefined) await endProcess(id, { signal: 'SIGINT', withinMs: 20_000 });
  return true;
}

export function redisPart(
  launch: { command: string; args: readonly string[]; env?: Record<string, string> },
  port: number,
  folder: DataFolder,
): PartSpec {
  return {
    ...ordinary,
    name: 'redis',
    service: 'redis',
    command: launch.command,
    args: launch.args,
    env: { ...nodeEnvironment(folder), ...launch.env },
    cwd: folder.at('redis'),
    notReady: () => notReadyRedis(port),
  };
}

export function pubsubPart(input: PlanInput, folder: DataFolder): PartSpec {
  const base = pubsubHealthUrl(input.ports);
  return {
    ...ordinary,
    name: 'pubsub',
    service: 'pubsub',
    command: process.execPath,
    args: nodeArgs('local', 'pubsub', 'main.ts'),
    env: {
      ...nodeEnvironment(folder),
      PUBSUB_PORT: String(input.ports.pubsub),
      PUBSUB_DATA: input.places.pubsub,
      PUBSUB_HEALTH_PORT: String(input.ports.pubsubHealth),
      ...input.overrides['pubsub'],
    },
    notReady: () => notReadyByHttp(base),
    health: () => healthByHttp(base),
  };
}

/** From stop signal to SIGKILL: a service's own deadline and a little more. */
const stopWithinMs: Partial<Record<ServiceName, number>> = { gateway: 20_000, processor: 20_000, simulator: 20_000 };

export function serviceParts(input: PlanInput, folder: DataFolder): PartSpec[] {
  const settings = planSettings(input);
  return services
    .filter((name) => name !== 'simulator' || input.devices > 0)
    .filter((name) => existsSync(join(checkout, 'runtime', name, 'main.ts')))
    .map((name) => {
      const base = healthUrl(input.ports, name);
      return {
        ...ordinary,
        name,
        service: name,
        command: process.execPath,
        args: nodeArgs(name, 'main.ts'),
        env: { ...nodeEnvironment(folder), ...settings[name] },
        stopWithinMs: stopWithinMs[name] ?? 12_000,
        notReady: () => notReadyByHttp(base),
        health: () => healthByHttp(base),
      };
    });
}
