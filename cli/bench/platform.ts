import { readFile } from 'node:fs/promises';
import { metricNames } from '../../runtime/contracts/metrics.ts';
import { dataFolder, defaultDataFolder, pointedFolder } from '../../runtime/local/folder.ts';
import { coreName, healthUrl, pubsubHealthUrl } from '../../runtime/local/plan.ts';
import { planPorts, portSteps } from '../../runtime/local/ports.ts';
import { childrenOf } from '../../runtime/local/proc.ts';
import { readSecrets } from '../../runtime/local/secrets.ts';
import { readRunning } from '../../runtime/local/status.ts';
import { resolveCacheSettings } from '../../runtime/platform/cache/settings.ts';
import { CommandError } from '../errors.ts';
import { scrape } from './scrape.ts';

/** What a benchmark needs of the platform that runs on this machine. */
export type BenchPlatform = {
  api: string;
  mqtt: { host: string; port: number };
  ca: string;
  /** Folder of the gateway's server certificate, for the bare reference. */
  tlsDir: string;
  client: { id: string; secret: string };
  /** Connection strings of the shards, and of the core database. */
  shards: string[];
  core: string;
  redis: string;
  /** What every key in Redis begins with. */
  redisPrefix: string;
  /** `/metrics` of a part. */
  metrics(part: 'gateway' | 'processor' | 'pubsub'): string;
  /** Folder for the benchmark devices' keys. */
  dir: string;
  processes(): Promise<{ name: string; pid: number }[]>;
  /** @throws when it has no process now. */
  part(name: string): Promise<{ pid: number; state: string }>;
  /** A part's process and all below it. */
  processTree(name: string): Promise<number[]>;
  /** Messages in Pub/Sub that the processor has not acknowledged. */
  backlog(): Promise<number>;
};

/** The platform in `data`, or the one started last, or the default one. */
export async function findPlatform(data: string | undefined): Promise<BenchPlatform> {
  const folder = await dataFolder(data ?? (await pointedFolder()) ?? defaultDataFolder);
  const running = async () => {
    const status = await readRunning(folder);
    if (status?.state !== 'ready')
      throw new CommandError(`no platform is ready in ${folder.root}; start it with \`npx iot local up\``);
    return status;
  };
  const status = await running();
  const secrets = await readSecrets(folder);
  if (secrets === undefined) throw new CommandError(`${folder.root} has no secrets.json: it is no platform's folder`);
  const mqtt = new URL(status.urls.mqtt);
  const ports = planPorts(Number(mqtt.port) - portSteps.mqtt);
  const core = new URL(status.stores.postgres[0] as string);
  core.pathname = `/${coreName}`;
  const metrics: BenchPlatform['metrics'] = (part) =>
    `${part === 'pubsub' ? pubsubHealthUrl(ports) : healthUrl(ports, part)}/metrics`;
  const part = async (name: string) => {
    const found = (await running()).processes.find((p) => p.name === name);
    if (found?.pid === undefined || found.pid === null) throw new CommandError(`${name} has no process now`);
    return { pid: found.pid, state: found.state };
  };
  return {
    api: status.urls.api,
    mqtt: { host: mqtt.hostname, port: Number(mqtt.port) },
    ca: await readFile(status.ca, 'utf8'),
    tlsDir: folder.at('tls'),
    client: secrets.client,
    shards: status.stores.postgres,
    core: core.href,
    redis: status.stores.redis,
    redisPrefix: resolveCacheSettings({ url: status.stores.redis }).prefix,
    metrics,
    dir: folder.at('bench'),
    async processes() {
      const { processes, launcher } = await running();
      const parts = processes.flatMap(({ name, pid }) => (pid === null ? [] : [{ name, pid }]));
      return [...parts, { name: 'launcher', pid: launcher.pid }];
    },
    part,
    async processTree(name) {
      const pids = [(await part(name)).pid];
      for (let i = 0; i < pids.length; i++) pids.push(...(await childrenOf(pids[i] as number)));
      return pids;
    },
    async backlog() {
      const samples = (await scrape(metrics('pubsub'))).filter(
        (s) => s.name === metricNames.pubsub.backlog && s.labels['subscription']?.endsWith('telemetry-processor'),
      );
      // No sample would read as no backlog.
      if (samples.length === 0) throw new Error(`${metrics('pubsub')} has no ${metricNames.pubsub.backlog}`);
      return samples.reduce((sum, s) => sum + s.value, 0);
    },
  };
}

/** Ends a part in order, and waits until its supervisor has it back. */
export async function restartPart(platform: BenchPlatform, name: string): Promise<{ pid: number }> {
  const before = await platform.part(name);
  process.kill(before.pid, 'SIGTERM');
  return awaitNewProcess(platform, name, before.pid, 90_000);
}

/** Waits until a part has another process than `pid`, and that is ready. */
export async function awaitNewProcess(
  platform: BenchPlatform,
  name: string,
  pid: number,
  withinMs: number,
): Promise<{ pid: number }> {
  const end = performance.now() + withinMs;
  for (;;) {
    const now = await platform.part(name).catch((error: unknown) => {
      // Between two processes there is none.
      if (error instanceof CommandError) return undefined;
      throw error;
    });
    if (now !== undefined && now.pid !== pid && now.state === 'ready') return now;
    if (performance.now() > end) throw new Error(`${name} is not back within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
