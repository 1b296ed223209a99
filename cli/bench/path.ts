import pg from 'pg';
import { metricNames } from '../../runtime/contracts/metrics.ts';
import { CommandError } from '../errors.ts';
import { benchDeviceId, benchDevices } from './devices.ts';
import type { LoadResult } from './load/generator.ts';
import type { Percentiles } from './load/latency.ts';
import { startGenerator } from './load/run-generator.ts';
import { cpuMeter, type MachineFacts, machineFacts } from './machine.ts';
import type { BenchPlatform } from './platform.ts';
import { startProbe } from './probe.ts';
import { quantileBetween, scrape } from './scrape.ts';

export type PathOptions = {
  rate: number;
  seconds: number;
  warmupSeconds: number;
  connections: number;
  batch: number;
  readingBytes: number;
};

export type PathResult = {
  bench: 'path';
  options: PathOptions;
  machine: MachineFacts;
  policy: Record<string, string>;
  load: LoadResult;
  /** By polling a shard, ten readings a second. */
  queryable: Percentiles;
  /** Processor's own histogram over all readings: upper bounds, milliseconds, from the gateway's receive time. */
  queryableAll: { p50: number; p99: number };
  /** Messages in Pub/Sub and not acknowledged by the processor when the load ended, and how long until none were left. */
  backlogAtEnd: number;
  drainSeconds: number;
  /** Rows of the generator's devices within the run; equal to the acknowledged readings when nothing was lost. */
  rows: number;
  /** Cores used while measuring. */
  cpu: { parts: Record<string, number>; elsewhere: number; total: number };
};

const drainWithinSeconds = 120;

/** The whole path under a fixed rate: device sockets, gateway, Pub/Sub, processor, Postgres and Redis, as deployed here. */
export async function benchPath(
  platform: BenchPlatform,
  options: PathOptions,
  say: (line: string) => void,
): Promise<PathResult> {
  checkRate(options);
  const machine = machineFacts();
  say(`devices: ${options.connections} and a probe`);
  const ids = ['bench-probe', ...Array.from({ length: options.connections }, (_, i) => benchDeviceId(i))];
  const [probeDevice, ...devices] = await benchDevices(platform, ids, say);
  if (probeDevice === undefined) throw new Error('no probe device');
  say('connecting');
  const generator = await startGenerator({
    target: platform.mqtt,
    devices,
    rate: options.rate,
    warmupSeconds: options.warmupSeconds,
    seconds: options.seconds,
    batch: options.batch,
    readingBytes: options.readingBytes,
    connectAtOnce: 32,
  });
  try {
    const probe = await startProbe(platform, probeDevice);
    const meter = cpuMeter([
      ...(await platform.processes()),
      { name: 'generator', pid: generator.pid },
      { name: 'bench', pid: process.pid },
    ]);
    say(`load: ${options.rate} readings/s for ${options.warmupSeconds} + ${options.seconds} s`);
    const run = generator.run();
    await pause(options.warmupSeconds * 1_000);
    const before = await scrape(platform.metrics('processor'));
    await meter.start();
    probe.measure(true);
    await Promise.race([run, pause(options.seconds * 1_000)]);
    const cpu = await meter.stop();
    const after = await scrape(platform.metrics('processor'));
    probe.measure(false);
    const backlogAtEnd = await platform.backlog();
    const load = await run;
    const drainSeconds = await drained(platform, load);
    const { queryable } = await probe.stop();
    const ms = (q: number) => quantileBetween(before, after, metricNames.processor.queryableSeconds, q) * 1_000;
    return {
      bench: 'path',
      options,
      machine,
      policy: await policy(platform),
      load,
      queryable,
      queryableAll: { p50: ms(0.5), p99: ms(0.99) },
      backlogAtEnd,
      drainSeconds,
      rows: await rowsOf(platform, load),
      cpu,
    };
  } finally {
    generator.kill();
  }
}

/** The gateway's per-device limit would be measured, not the path. */
export function checkRate({ rate, batch, connections }: Pick<PathOptions, 'rate' | 'batch' | 'connections'>): void {
  const each = rate / batch / connections;
  if (each > 80)
    throw new CommandError(
      `--rate ${rate} over ${connections} connections is ${Math.round(each)} messages a second each; allowed are 80, ` +
        `as the gateway holds a device to 100: use --connections ${Math.ceil(rate / batch / 80)} or more`,
      { exitCode: 2 },
    );
}

async function drained(platform: BenchPlatform, load: LoadResult): Promise<number> {
  const from = performance.now();
  for (;;) {
    const seconds = (performance.now() - from) / 1_000;
    if ((await rowsOf(platform, load)) >= load.acknowledged && (await platform.backlog()) < 5) return seconds;
    if (seconds > drainWithinSeconds) return Number.NaN;
    await pause(100);
  }
}

/** Rows that a load's devices have in these databases. */
export async function rowsOf(platform: Pick<BenchPlatform, 'shards'>, load: LoadResult): Promise<number> {
  let rows = 0;
  for (const connectionString of platform.shards) {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
      const { rows: found } = await client.query<{ n: string }>(
        `select count(*) as n from readings
         where ts between $1 and $2 and device_id like 'bench-_____' and device_id <> 'bench-probe'`,
        [new Date(load.firstTs), new Date(load.lastTs)],
      );
      rows += Number(found[0]?.n);
    } finally {
      await client.end();
    }
  }
  return rows;
}

/** What makes a write durable here, read from the running stores where they tell. */
async function policy(platform: BenchPlatform): Promise<Record<string, string>> {
  const client = new pg.Client({ connectionString: platform.shards[0] as string });
  await client.connect();
  try {
    const show = async (name: string) => Object.values((await client.query(`show ${name}`)).rows[0] ?? {}).join('');
    return {
      pubsub: 'SQLite synchronous=FULL, group commit, before the publish is confirmed',
      postgres: `fsync=${await show('fsync')}, synchronous_commit=${await show('synchronous_commit')}`,
      redis: 'no persistence: it is rebuilt from Postgres',
    };
  } finally {
    await client.end();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
