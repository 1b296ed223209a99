import { ProcessorSettings } from '../../runtime/contracts/settings/services.ts';
import type { Tier } from '../tiers.ts';
import { figures } from './figures.ts';
import { count, type Load, type Sized, step, upTo } from './load.ts';
import type { Plan, PodPlan, ServiceName } from './types.ts';

const f = figures;
type Edition = Tier['database']['edition'];

/** Connections that a pod of a part may open: the `max` of the pools in its `main.ts` or `service.ts`. */
export const poolSizes: Readonly<Record<ServiceName, { core: number; shard: number }>> = {
  gateway: { core: 0, shard: 0 },
  processor: { core: 4, shard: 6 },
  devices: { core: 16, shard: 0 },
  telemetry: { core: 2, shard: 8 },
  api: { core: 8, shard: 0 },
};
/** Migrations, retention, and what Cloud SQL keeps for itself. */
const otherConnections = 14;
/** After a failover the old connections are still counted for a while. */
const failoverRoom = 1.15;

/** vCPUs that an edition has, and memory of each, GiB. https://cloud.google.com/sql/docs/postgres/machine-series-overview */
const machines: Readonly<Record<Edition, { cpus: readonly number[]; memoryPerCpu: number }>> = {
  ENTERPRISE: { cpus: [2, 4, 8, 16, 32, 64], memoryPerCpu: 3.75 },
  ENTERPRISE_PLUS: { cpus: [2, 4, 8, 16, 32, 48, 64, 80, 96, 128], memoryPerCpu: 8 },
};

/** Connections that Cloud SQL takes by default, by memory in GiB. https://cloud.google.com/sql/docs/postgres/flags#postgres-m */
const connectionsByMemory: readonly [number, number][] = [
  [120, 1_000],
  [60, 800],
  [30, 600],
  [15, 500],
  [7.5, 400],
  [6, 200],
  [3.75, 100],
];

/** Machine tier of an edition as Cloud SQL names it: `db-custom-4-15360`, `db-perf-optimized-N-4`. */
export const machineTier = (edition: Edition, cpus: number): string =>
  edition === 'ENTERPRISE' ? `db-custom-${cpus}-${cpus * 3_840}` : `db-perf-optimized-N-${cpus}`;

/** vCPUs and memory (GiB) of a tier. @throws Error for a name that no edition has. */
export function machineOf(tier: string): { cpus: number; memory: number } {
  const custom = /^db-custom-(\d+)-(\d+)$/.exec(tier);
  if (custom !== null) return { cpus: Number(custom[1]), memory: Number(custom[2]) / 1_024 };
  const optimized = /^db-perf-optimized-N-(\d+)$/.exec(tier);
  if (optimized !== null) return { cpus: Number(optimized[1]), memory: Number(optimized[1]) * 8 };
  throw new Error(`${tier} is no Cloud SQL tier that a plan uses: db-custom-N-MEMORY or db-perf-optimized-N-CPUS`);
}

export type Databases = {
  database: Plan['database'];
  /** GB of all shards once everything has reached its age; the disks start smaller and grow. */
  fullGigabytes: number;
};

/** Shards for rows a second and for what they keep, machines for rows and connections, disks for the first month. */
export function databasesOf(
  load: Load,
  tier: Tier,
  pods: Readonly<Record<ServiceName, PodPlan>>,
  asked: number | null,
): Sized<Databases> {
  const { edition } = tier.database;
  const full = gigabytes(load, rollupDays());
  const needed = Math.max(
    Math.ceil(load.peak / f.rowsPerShard.value),
    Math.ceil(full.total / f.gigabytesPerShard.value),
    1,
  );
  const shards = asked ?? needed;
  const problems: string[] = [];
  if (needed > f.mostShards.value)
    problems.push(
      `the fleet needs ${needed} shards (${count(load.peak)} rows/s at the peak, ${count(full.total)} GB kept): a plan carries at most ${f.mostShards.value}. Set devices or messagesPerDevicePerMinute lower, or split the fleet over two environments`,
    );
  else if (asked !== null && asked < needed)
    problems.push(
      `shards is ${asked}: ${count(load.devices)} devices at ${count(load.messagesPerDevicePerMinute)} messages a minute need ${needed} (${count(f.rowsPerShard.value)} rows/s and ${count(f.gigabytesPerShard.value)} GB each). Set shards to ${needed} or more, or leave it out`,
    );

  const core = connections(pods, 'core');
  const shard = connections(pods, 'shard');
  // One flag for all instances; each has the memory for its own pools.
  const maximumConnections = upTo(Math.max(core.most, shard.most), 50);
  const rowsPerCpu = f.postgresRowsPerCore.value * f.postgresShareOfCore.value;
  const shardCpus = load.peak / shards / rowsPerCpu;
  const coreCpus = load.devices / f.devicesPerCoreCpu.value;
  const shardMachine = pick(edition, shardCpus, shard.most);
  const coreMachine = pick(edition, coreCpus, core.most);
  if (shardMachine === null || coreMachine === null)
    problems.push(
      `the pods may open ${count(Math.max(core.most, shard.most))} connections to a database: the largest ${edition} machine takes ${count(connectionsOf(edition, machines[edition].cpus.at(-1) ?? 0))}. Split the fleet over two environments`,
    );
  const shardDisk = upTo(gigabytes(load, 31).total / shards, 10, 20);
  const coreDisk = upTo((load.devices * f.registryKilobytesPerDevice.value) / 1_000_000, 10, 20);
  return {
    value: {
      database: {
        shards,
        coreTier: machineTier(edition, coreMachine ?? machines[edition].cpus.at(-1) ?? 0),
        shardTier: machineTier(edition, shardMachine ?? machines[edition].cpus.at(-1) ?? 0),
        coreDisk,
        shardDisk,
        maximumConnections,
      },
      fullGigabytes: full.total,
    },
    problems,
    steps: [
      step(
        'readings kept',
        `${count(load.mean)} rows/s × ${readingDays()} days × ${f.bytesPerRow.value} B`,
        `${count(full.readings)} GB`,
      ),
      step(
        'rollups kept',
        `${count(load.devices)} devices × (${count(full.minutesADay)} minutes + 24 hours) a day × ${rollupDays()} days × ${f.bytesPerRollup.value} B`,
        `${count(full.rollups)} GB`,
      ),
      step(
        'shards',
        `${count(load.peak)} rows/s / ${count(f.rowsPerShard.value)} a shard`,
        count(load.peak / f.rowsPerShard.value),
      ),
      step(
        'shards',
        `${count(full.total)} GB / ${count(f.gigabytesPerShard.value)} GB a shard`,
        count(full.total / f.gigabytesPerShard.value),
      ),
      step('shards', asked === null ? 'the larger, whole' : `set; ${needed} needed`, count(shards)),
      step(
        'shard machine',
        `${count(load.peak / shards)} rows/s / (${count(f.postgresRowsPerCore.value)} a core × ${f.postgresShareOfCore.value}) = ${count(shardCpus)} vCPU`,
        machineTier(edition, shardMachine ?? 0),
      ),
      step('connections to core', core.formula, count(core.most)),
      step('connections to a shard', shard.formula, count(shard.most)),
      step(
        'core machine',
        `${count(load.devices)} devices / ${count(f.devicesPerCoreCpu.value)} a vCPU, and its connections`,
        machineTier(edition, coreMachine ?? 0),
      ),
      step('shard disk at first', 'the first month of readings and rollups', `${count(shardDisk)} GB`),
    ],
  };
}

const defaultOf = (key: 'IOT_RETENTION_DAYS' | 'IOT_ROLLUP_RETENTION_DAYS'): number =>
  ProcessorSettings.shape[key].parse(undefined) as number;
const readingDays = (): number => defaultOf('IOT_RETENTION_DAYS');
const rollupDays = (): number => defaultOf('IOT_ROLLUP_RETENTION_DAYS');

/** What is kept when rollups are `days` old at most. */
function gigabytes(load: Load, days: number) {
  const readings = (load.mean * 86_400 * Math.min(readingDays(), days) * f.bytesPerRow.value) / 1e9;
  // A minute without a message has no row.
  const minutesADay = Math.min(1, load.messagesPerDevicePerMinute) * 1_440;
  const rows = load.devices * (minutesADay + 24) * f.metricsPerReading.value;
  const rollups = (rows * Math.min(rollupDays(), days) * f.bytesPerRollup.value) / 1e9;
  return { readings, rollups, minutesADay, total: readings + rollups };
}

/** What Cloud SQL takes by default, or what its memory holds when the flag says more. */
const connectionsOf = (edition: Edition, cpus: number): number => {
  const memory = cpus * machines[edition].memoryPerCpu;
  const byDefault = connectionsByMemory.find(([least]) => memory >= least)?.[1] ?? 0;
  return Math.max(byDefault, Math.floor(memory * f.connectionsPerGibibyte.value));
};

/** The smallest machine with so many vCPUs that takes so many connections; null: there is none. */
function pick(edition: Edition, cpus: number, connections: number): number | null {
  return machines[edition].cpus.find((n) => n >= cpus && connectionsOf(edition, n) >= connections) ?? null;
}

/** Connections that all pods at most may open to the core database, or to one shard. */
function connections(pods: Readonly<Record<ServiceName, PodPlan>>, kind: 'core' | 'shard') {
  const parts = (Object.keys(poolSizes) as ServiceName[]).filter((part) => poolSizes[part][kind] > 0);
  const open = parts.reduce((sum, part) => sum + pods[part].maximum * poolSizes[part][kind], otherConnections);
  const terms = parts.map((part) => `${pods[part].maximum} ${part} × ${poolSizes[part][kind]}`);
  return {
    most: Math.ceil(open * failoverRoom),
    formula: `(${terms.join(' + ')} + ${otherConnections}) × ${failoverRoom}`,
  };
}
