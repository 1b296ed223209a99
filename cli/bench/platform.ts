import { readFile } from 'node:fs/promises';
import { dataFolder, defaultDataFolder, pointedFolder } from '../../runtime/local/folder.ts';
import { coreName, healthUrl, pubsubHealthUrl } from '../../runtime/local/plan.ts';
import { planPorts, portSteps } from '../../runtime/local/ports.ts';
import { readSecrets } from '../../runtime/local/secrets.ts';
import { readRunning } from '../../runtime/local/status.ts';
import { CommandError } from '../errors.ts';

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
  /** `/metrics` of a part. */
  metrics(part: 'gateway' | 'processor' | 'pubsub'): string;
  /** Folder for the benchmark devices' keys. */
  dir: string;
  processes(): Promise<{ name: string; pid: number }[]>;
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
  return {
    api: status.urls.api,
    mqtt: { host: mqtt.hostname, port: Number(mqtt.port) },
    ca: await readFile(status.ca, 'utf8'),
    tlsDir: folder.at('tls'),
    client: secrets.client,
    shards: status.stores.postgres,
    core: core.href,
    redis: status.stores.redis,
    metrics: (part) => `${part === 'pubsub' ? pubsubHealthUrl(ports) : healthUrl(ports, part)}/metrics`,
    dir: folder.at('bench'),
    async processes() {
      const { processes, launcher } = await running();
      const parts = processes.flatMap(({ name, pid }) => (pid === null ? [] : [{ name, pid }]));
      return [...parts, { name: 'launcher', pid: launcher.pid }];
    },
  };
}
