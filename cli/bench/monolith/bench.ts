import { createLog } from '../../../runtime/platform/service/log.ts';
import { portBelowEphemeral } from '../bare.ts';
import { type BenchDevice, benchDeviceId, benchDevices } from '../devices.ts';
import type { LoadTarget } from '../load/connection.ts';
import type { LoadResult } from '../load/generator.ts';
import { startGenerator } from '../load/run-generator.ts';
import { cpuMeter, type MachineFacts, machineFacts } from '../machine.ts';
import { checkRate, rowsOf } from '../path.ts';
import type { BenchPlatform } from '../platform.ts';
import { startProbe } from '../probe.ts';
import { type Comparison, compare, type MonolithRun, type Subject, turn } from './compare.ts';
import { measuredCommitMs, monolithDatabase, withSlowCommits } from './database.ts';
import { startMonolithProcess } from './run-monolith.ts';

export type MonolithOptions = {
  rates: number[];
  seconds: number;
  warmupSeconds: number;
  /** Each commit of the one Postgres that all use takes this much longer. */
  commitMs: number;
  runs: number;
  connections: number;
};

export type MonolithResult = {
  bench: 'monolith';
  machine: MachineFacts;
  options: MonolithOptions;
  /** What one commit came to, middle of several, before the load. */
  measuredCommitMs: number;
  runs: MonolithRun[];
  comparisons: Comparison[];
};

/** What a run needs to know of whom it measures; `pid` is none of the platform's processes. */
type Running = { mqtt: LoadTarget; shards: string[]; pid?: number; backlog(): Promise<number>; stop(): Promise<void> };

const readingBytes = 150;
const settleWithinMs = 30_000;

/**
 * The platform and two monoliths, one at a time in turns, on the same machine with the same certificates, Postgres,
 * Redis, generator and probe.
 */
export async function benchMonolith(
  platform: BenchPlatform,
  options: MonolithOptions,
  say: (line: string) => void,
): Promise<MonolithResult> {
  for (const rate of options.rates) checkRate({ rate, batch: 1, connections: options.connections });
  const machine = machineFacts();
  const log = createLog({ service: 'bench', instance: 'bench', level: 'warn', destination: process.stderr });
  const ids = ['bench-probe', ...Array.from({ length: options.connections }, (_, i) => benchDeviceId(i))];
  const [probe, ...devices] = await benchDevices(platform, ids, say);
  const database = await monolithDatabase(platform.core, log);
  try {
    return await withSlowCommits(platform.core, options.commitMs, async () => {
      const commitMs = await measuredCommitMs(database.url);
      say(`a commit takes ${commitMs.toFixed(1)} ms`);
      const runs: MonolithRun[] = [];
      for (const rate of options.rates)
        for (let run = 1; run <= options.runs; run++)
          for (const subject of turn(run)) {
            say(`${subject} at ${rate}/s, run ${run} of ${options.runs}`);
            const running = await start(subject, platform, database.url);
            const measured = await measure(
              platform,
              running,
              [probe as BenchDevice, ...devices],
              rate,
              options,
            ).finally(() => running.stop());
            runs.push({ subject, rate, run, ...measured });
          }
      return {
        bench: 'monolith' as const,
        machine,
        options,
        measuredCommitMs: commitMs,
        runs,
        comparisons: compare(runs),
      };
    });
  } finally {
    await database.drop();
  }
}

async function start(subject: Subject, platform: BenchPlatform, database: string): Promise<Running> {
  if (subject === 'platform')
    return { mqtt: platform.mqtt, shards: platform.shards, backlog: platform.backlog, stop: async () => undefined };
  const mqttPort = await portBelowEphemeral();
  const { pid, stop } = await startMonolithProcess({
    baseline: subject,
    tlsDir: platform.tlsDir,
    mqttPort,
    httpPort: await portBelowEphemeral(mqttPort + 1),
    database,
    redis: platform.redis,
    redisPrefix: 'bench-monolith:',
  });
  // What is not acknowledged is in no queue that outlives the load.
  const backlog = async () => 0;
  return { mqtt: { host: '127.0.0.1', port: mqttPort }, shards: [database], pid, backlog, stop };
}

async function measure(
  platform: BenchPlatform,
  running: Running,
  [probeDevice, ...devices]: readonly BenchDevice[],
  rate: number,
  { seconds, warmupSeconds }: MonolithOptions,
): Promise<Omit<MonolithRun, 'subject' | 'rate' | 'run'>> {
  const generator = await startGenerator({
    target: running.mqtt,
    devices,
    rate,
    warmupSeconds,
    seconds,
    batch: 1,
    readingBytes,
    connectAtOnce: 32,
  });
  try {
    const probe = await startProbe(running, probeDevice as BenchDevice);
    const meter = cpuMeter([
      ...(await platform.processes()),
      { name: 'generator', pid: generator.pid },
      { name: 'bench', pid: process.pid },
      ...(running.pid === undefined ? [] : [{ name: 'monolith', pid: running.pid }]),
    ]);
    const run = generator.run();
    await pause(warmupSeconds * 1_000);
    await meter.start();
    probe.measure(true);
    await Promise.race([run, pause(seconds * 1_000)]);
    const { total, elsewhere } = await meter.stop();
    probe.measure(false);
    const backlogAtEnd = await running.backlog();
    const load = await run;
    const { queryable } = await probe.stop();
    return { load, queryable, backlogAtEnd, rows: await settledRows(running, load), cpu: { total, elsewhere } };
  } finally {
    generator.kill();
  }
}

/** Rows of the load, once they are as many as were acknowledged or time is up. */
async function settledRows(running: Running, load: LoadResult): Promise<number> {
  const until = performance.now() + settleWithinMs;
  for (;;) {
    const rows = await rowsOf(running, load);
    if (rows >= load.acknowledged || performance.now() > until) return rows;
    await pause(200);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
