import type { BenchDevice } from '../devices.ts';
import type { Percentiles } from '../load/latency.ts';
import type { BenchPlatform } from '../platform.ts';
import { type Fault, until } from './faults.ts';
import { checkLedger, type Findings, isClean } from './ledger.ts';
import { startFaultLoad } from './load.ts';
import { storesOf } from './stores.ts';

export type FaultResult = {
  fault: string;
  acknowledged: number;
  rows: number;
  deadLetters: number;
  /** Readings that a device's buffer gave up; a run in which it happens proves less. */
  dropped: number;
  findings: Findings;
  /** PUBACK of readings reported before, during and after the fault. */
  puback: Record<string, Percentiles>;
  /** Acknowledgements that came while the fault lasted. */
  acknowledgedMeanwhile: number;
  /** How long the fault lasted. */
  faultSeconds: number;
  /** From its end until no message waited in Pub/Sub, while the load went on. */
  drainSeconds: number;
};

export type FaultRunOptions = { rate: number; messages: number; devices: readonly BenchDevice[] };

const drainWithinMs = 120_000;

/**
 * One fault under load, judged by the ledger: load, fault, load until `messages` are reported, all acknowledged, all
 * stored, compare.
 */
export async function runFault(platform: BenchPlatform, fault: Fault, options: FaultRunOptions): Promise<FaultResult> {
  const since = new Date();
  const stores = storesOf(
    platform,
    options.devices.map((d) => d.id),
    since,
  );
  const load = startFaultLoad({ mqtt: platform.mqtt, devices: options.devices, rate: options.rate });
  try {
    await within(60_000, load.moreAcknowledged(Math.ceil(options.messages * 0.3)), 'acknowledgements before the fault');
    load.phase('during');
    const faultStart = performance.now();
    const ackedBefore = load.acknowledged.length;
    await fault.cause(platform, stores);
    const faultSeconds = (performance.now() - faultStart) / 1_000;
    const acknowledgedMeanwhile = load.acknowledged.length - ackedBefore;
    load.phase('after');
    const drained = drainTime(platform, options.rate);
    drained.catch(() => undefined);
    await within(
      drainWithinMs,
      load.moreAcknowledged(Math.ceil(options.messages * 0.2)),
      'acknowledgements after the fault',
    );
    await until('all readings are reported', 3_600_000, async () => load.reported.length >= options.messages);
    load.endReporting();
    await load.drained(drainWithinMs);
    const drainSeconds = await drained;
    const owed = load.acknowledged.length;
    // What never comes is for the ledger to name, so this wait ends without an error.
    await until('all are stored', drainWithinMs, async () => {
      const { rows, deadLetters } = await stores.counts();
      return rows + deadLetters >= owed;
    }).catch(() => undefined);
    const judge = async () => {
      const [rows, deadLetters] = [await stores.rows(), await stores.deadLetters()];
      const newest = await stores.newest();
      const { reported, acknowledged } = load;
      return { rows, deadLetters, findings: checkLedger({ reported, acknowledged, rows, deadLetters, newest }) };
    };
    // Redis is repaired after the rows are there; it gets its time, and then counts as it is.
    let last = await judge();
    await until('the newest states are repaired', 60_000, async () => {
      if (last.findings.wrongNewest.length > 0) last = await judge();
      return last.findings.wrongNewest.length === 0;
    }).catch(() => undefined);
    return {
      fault: fault.name,
      acknowledged: owed,
      rows: last.rows.length,
      deadLetters: last.deadLetters.length,
      dropped: load.dropped,
      findings: last.findings,
      puback: load.latencies(),
      acknowledgedMeanwhile,
      faultSeconds,
      drainSeconds,
    };
  } finally {
    await load.stop();
  }
}

export const isWhole = (result: FaultResult) => isClean(result.findings) && result.dropped === 0;

/** Seconds until the backlog is what the load alone makes of it: a quarter of a second's messages. */
async function drainTime(platform: BenchPlatform, rate: number): Promise<number> {
  const start = performance.now();
  await until('the backlog is drained', drainWithinMs, async () => {
    const waiting = await platform.backlog().catch(() => Number.POSITIVE_INFINITY);
    return waiting <= Math.max(50, rate / 4);
  });
  return (performance.now() - start) / 1_000;
}

async function within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
