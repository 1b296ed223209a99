import { seedIdentity } from '../api/identity/seed.ts';
import { busPlan } from '../contracts/bus.ts';
import { defaultTenant } from '../contracts/identifiers.ts';
import { buildDashboard } from '../dashboard/build.ts';
import { ensureLocalAuthority, ensureServerCertificate } from '../devices/authority/local-authority.ts';
import { createBusClient } from '../platform/bus/client.ts';
import { ensureBus } from '../platform/bus/ensure.ts';
import { ensureShardMap, migrate } from '../platform/database/migrate.ts';
import type { Log } from '../platform/service/log.ts';
import { LaunchError } from './errors.ts';
import { type DataFolder, forgetPointer, lockDataFolder, openDataFolder, pointTo } from './folder.ts';
import { identityFolder, startIdentities } from './identity.ts';
import { endOrphans } from './orphans.ts';
import { endStrayPostgres, postgresPart, pubsubPart, redisPart, serviceParts } from './parts.ts';
import { coreName, namespace, type PlanInput, partNames, project, shardNames, urlsOf } from './plan.ts';
import { openPlatformLog, type PlatformLog } from './platform-log.ts';
import { type Ports, planPorts } from './ports.ts';
import { awaitPostgres, preparePostgres } from './postgres/postgres.ts';
import { holderOf, identify } from './proc.ts';
import { launchRedis } from './redis/launch.ts';
import { restartPolicy } from './restart-policy.ts';
import { sampler } from './sampler.ts';
import { ensureSecrets, type LocalSecrets } from './secrets.ts';
import { type PlatformStatus, readRunning, writeStatus } from './status.ts';
import { type Part, type PartSpec, supervise } from './supervisor.ts';
import { ensureTicketSecret } from './ticket-secret.ts';

export type PlatformOptions = {
  data: string;
  portBase: number;
  /** Simulated devices; 0 starts no simulator. */
  devices: number;
  overrides: PlanInput['overrides'];
  /** One line a step, for people who wait. */
  progress: (line: string) => void;
  /** Gives the start up: what runs already is stopped in order. */
  abort?: AbortSignal;
};

export type Platform = {
  folder: DataFolder;
  secrets: LocalSecrets;
  status(): PlatformStatus;
  /** Everything in reverse order, each part with its deadline. */
  stop(): Promise<void>;
  /** Ends every part at once; `stop` then resolves soon. No acknowledged message is lost: the stores are durable. */
  hurry(): void;
};

const startWithinMs = 120_000;

/** The whole platform on this machine. Rejects, with everything stopped, when a part cannot start. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const ports = planPorts(options.portBase);
  const folder = await openDataFolder(options.data);
  const lock = await holdFolder(folder);
  const log = openPlatformLog(folder);
  const launch = launcher({ options, ports, folder, log });
  try {
    await clearTheWay(folder, ports, log.launcher, options.progress);
    const secrets = await ensureSecrets(folder);
    await ensureCertificates(folder);
    await launch.begin(secrets);
    await within(startWithinMs, launch.allParts(secrets), launch.whatIsMissing, options.abort);
    if (!(await pointTo(folder)))
      log.launcher.warn('the clone is read-only: commands need --data to find this platform');
    return {
      folder,
      secrets,
      status: launch.status,
      hurry: launch.hurry,
      async stop() {
        await launch.stopAll();
        await forgetPointer(folder);
        log.close();
        lock.release();
      },
    };
  } catch (error) {
    await launch.stopAll();
    log.close();
    lock.release();
    throw error;
  }
}

async function holdFolder(folder: DataFolder): Promise<{ release(): void }> {
  const lock = lockDataFolder(folder);
  if (lock !== undefined) return lock;
  const holder = (await readRunning(folder))?.launcher.pid;
  throw new LaunchError(
    `the platform in ${folder.root} runs already${holder === undefined ? '' : ` (pid ${holder})`}: ` +
      'stop it with `npx iot local down`, or start another one with --data DIR and --port-base N',
  );
}

/** Ends what a killed launcher left behind, then makes sure that every port is free. */
async function clearTheWay(
  folder: DataFolder,
  ports: Ports,
  log: Log,
  progress: (line: string) => void,
): Promise<void> {
  const ended = await endOrphans(folder);
  if (await endStrayPostgres(folder.postgres)) ended.push('postgres');
  if (ended.length > 0) {
    log.warn({ ended }, 'ended parts that an earlier launcher left running');
    progress(`ended what an earlier launcher left running: ${ended.join(', ')}`);
  }
  const taken: string[] = [];
  for (const [name, port] of Object.entries(ports)) {
    const holder = await holderOf(port);
    if (holder === undefined) continue;
    const who =
      holder.pid === undefined
        ? "another user's process"
        : `pid ${holder.pid} (${(holder.command ?? '?').slice(0, 120)})`;
    taken.push(`port ${port} (${name}) is taken by ${who}`);
  }
  if (taken.length > 0)
    throw new LaunchError(`${taken.join('\n')}\nstop that process, or move all ports with --port-base N`);
}

async function ensureCertificates(folder: DataFolder): Promise<void> {
  await ensureLocalAuthority(folder.at('ca'));
  await ensureServerCertificate(folder.at('ca'), folder.at('tls'), ['localhost', '127.0.0.1']);
  await ensureTicketSecret(folder.at('tls'));
}

function launcher(context: { options: PlatformOptions; ports: Ports; folder: DataFolder; log: PlatformLog }) {
  const { options, ports, folder, log } = context;
  const parts: Part[] = [];
  let state: PlatformStatus['state'] = 'starting';
  let base: Omit<PlatformStatus, 'state' | 'processes' | 'at'> | undefined;
  const samples = sampler(
    () => parts.map((part) => part.status()),
    () => publish(),
  );

  const status = (): PlatformStatus => {
    if (base === undefined) throw new Error('the launcher has not begun');
    const inOrder = parts.map((part) => part.status()).sort((a, b) => partOrder(a.name) - partOrder(b.name));
    const processes = samples.withUsage(inOrder);
    return { ...base, state, processes, at: new Date().toISOString() };
  };
  const publish = () => {
    if (base !== undefined) writeStatus(folder, status());
  };

  let identities: { stop(): void } | undefined;
  async function begin(secrets: LocalSecrets): Promise<void> {
    identities = await startIdentities(identityFolder(folder.at('identity')), log.launcher);
    const launcherId = await identify(process.pid);
    if (launcherId === undefined) throw new LaunchError('the local stand needs Linux with /proc mounted');
    base = {
      version: 1,
      launcher: launcherId,
      data: folder.root,
      urls: urlsOf(ports),
      ca: folder.at('ca', 'root-ca.pem'),
      stores: {
        postgres: shardNames.map((name) => postgresUrl(secrets, name)),
        redis: `redis://127.0.0.1:${ports.redis}`,
        pubsub: `127.0.0.1:${ports.pubsub}`,
      },
    };
    publish();
    samples.start();
  }

  const postgresUrl = (secrets: LocalSecrets, database: string) =>
    `postgres://iot:${encodeURIComponent(secrets.postgresPassword)}@127.0.0.1:${ports.postgres}/${database}`;

  function planInput(secrets: LocalSecrets): PlanInput {
    return {
      ports,
      devices: options.devices,
      overrides: options.overrides,
      postgresUrl: (database) => postgresUrl(secrets, database),
      places: {
        ca: folder.at('ca'),
        tls: folder.at('tls'),
        keys: folder.at('keys'),
        gateway: folder.at('gateway'),
        simulator: folder.at('simulator'),
        pubsub: folder.at('pubsub'),
        clientFile: folder.at('client.json'),
        statusFile: folder.at('platform.json'),
        rootCa: folder.at('ca', 'root-ca.pem'),
        dashboard: folder.at('dashboard'),
        identity: identityFolder(folder.at('identity')),
      },
    };
  }

  async function up(spec: PartSpec): Promise<void> {
    const part = supervise(spec, {
      policy: restartPolicy,
      onLine: log.line,
      onEvent: log.event,
      onChange: publish,
    });
    parts.push(part);
    await part.start();
    options.progress(`${spec.name} is ready after ${(part.status().readySeconds ?? 0).toFixed(1)} s`);
  }

  /** Stores first, then what they must hold, then the services together, the simulator last. */
  async function allParts(secrets: LocalSecrets): Promise<void> {
    const input = planInput(secrets);
    await Promise.all([
      postgresWithSchema(secrets),
      redis(),
      up(pubsubPart(input, folder)).then(makeTopics),
      buildDashboard(folder.at('dashboard')),
    ]);
    await seed(postgresUrl(secrets, coreName), secrets);
    const specs = serviceParts(input, folder);
    await Promise.all(specs.filter((spec) => spec.name !== 'simulator').map(up));
    await Promise.all(specs.filter((spec) => spec.name === 'simulator').map(up));
    state = 'ready';
    publish();
  }

  async function postgresWithSchema(secrets: LocalSecrets): Promise<void> {
    const plan = await preparePostgres({
      dataDir: folder.postgres,
      port: ports.postgres,
      password: secrets.postgresPassword,
    });
    if (folder.postgres !== folder.at('postgres'))
      log.launcher.info(
        { folder: folder.postgres },
        "Postgres' data is outside of the data folder, where its account may enter",
      );
    await up(postgresPart(plan));
    await awaitPostgres(plan, { databases: [coreName, ...shardNames], timeoutMs: 30_000, isAlive: () => true });
    await migrate('core', plan.urlOf(coreName), log.launcher);
    await Promise.all(shardNames.map((name) => migrate('shard', plan.urlOf(name), log.launcher)));
    await ensureShardMap(plan.urlOf(coreName), shardNames, log.launcher);
  }

  async function redis(): Promise<void> {
    const plan = await launchRedis({ port: ports.redis, dataDir: folder.root, log: log.launcher });
    await up(redisPart(plan, ports.redis, folder));
  }

  async function makeTopics(): Promise<void> {
    const bus = createBusClient({
      IOT_PUBSUB_PROJECT: project,
      PUBSUB_EMULATOR_HOST: `127.0.0.1:${ports.pubsub}`,
    });
    try {
      await ensureBus(bus, namespace, busPlan);
    } finally {
      await bus.close();
    }
  }

  async function seed(coreUrl: string, secrets: LocalSecrets): Promise<void> {
    await seedIdentity(coreUrl, {
      users: secrets.logins.map(({ user, password, role }) => ({ email: user, password, role, tenant: defaultTenant })),
      clients: [
        { ...secrets.client, scopes: [...secrets.client.scopes], name: 'iot command', tenant: defaultTenant },
        { ...secrets.simulator, scopes: [...secrets.simulator.scopes], name: 'Simulator', tenant: defaultTenant },
      ],
    });
  }

  let stopped: Promise<void> | undefined;
  async function stopInOrder(): Promise<void> {
    state = 'stopping';
    publish();
    const named = (...names: string[]) => parts.filter((part) => names.includes(part.spec.name));
    const stop = (group: Part[]) => Promise.all(group.map((part) => part.stop()));
    await stop(named('simulator'));
    await stop(named('gateway', 'api'));
    await stop(named('processor', 'telemetry', 'devices'));
    await stop(named('pubsub', 'redis', 'postgres'));
    samples.stop();
    identities?.stop();
    state = 'stopped';
    publish();
  }

  return {
    begin,
    allParts,
    status,
    whatIsMissing: () =>
      parts
        .filter((part) => part.status().readySeconds === null)
        .map((part) => `${part.spec.name} waits for: ${part.waitingFor()}`)
        .join('; '),
    stopAll: () => {
      stopped ??= stopInOrder();
      return stopped;
    },
    hurry: () => {
      for (const part of parts) part.hurry();
    },
  };
}

const partOrder = (name: string) => (partNames as readonly string[]).indexOf(name);

/** Rejects when the work takes too long, naming what is missing, or when it is given up. */
async function within(
  ms: number,
  work: Promise<void>,
  whatIsMissing: () => string,
  abort?: AbortSignal,
): Promise<void> {
  const late = AbortSignal.timeout(ms);
  const stopped = new Promise<never>((_, reject) => {
    const giveUp = () =>
      reject(new LaunchError(late.aborted ? `not ready within ${ms / 1_000} s; ${whatIsMissing()}` : 'given up'));
    late.addEventListener('abort', giveUp, { once: true });
    abort?.addEventListener('abort', giveUp, { once: true });
    if (abort?.aborted === true) giveUp();
  });
  await Promise.race([work, stopped]);
}
