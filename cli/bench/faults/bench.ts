import { UsageError } from '../../errors.ts';
import { benchDeviceId, benchDevices } from '../devices.ts';
import { type MachineFacts, machineFacts } from '../machine.ts';
import type { BenchPlatform } from '../platform.ts';
import { allFaults } from './faults.ts';
import { findingsText } from './ledger.ts';
import { type FaultResult, isWhole, runFault } from './run.ts';

export type FaultsResult = {
  bench: 'faults';
  machine: MachineFacts;
  rate: number;
  devices: number;
  results: FaultResult[];
  /** Nothing lost, nothing twice, every newest state right, in every fault. */
  whole: boolean;
};

/** Devices of the load; each sends a reading in turn. */
const deviceCount = 50;

/** Every fault, one after the other, each judged by the ledger. */
export async function benchFaults(
  platform: BenchPlatform,
  options: { messages: number; rate: number; away: number; only?: string },
  say: (line: string) => void,
): Promise<FaultsResult> {
  const faults = allFaults(options.away).filter((f) => f.name.includes(options.only ?? ''));
  if (faults.length === 0)
    throw new UsageError(
      `--only '${options.only}' is in no fault's name; they are: ${allFaults(options.away)
        .map((f) => f.name)
        .join(', ')}`,
    );
  const machine = machineFacts();
  const devices = await benchDevices(
    platform,
    Array.from({ length: deviceCount }, (_, i) => benchDeviceId(i)),
    say,
  );
  const results: FaultResult[] = [];
  for (const fault of faults) {
    say(fault.name);
    const result = await runFault(platform, fault, { rate: options.rate, messages: options.messages, devices });
    say(`  ${result.acknowledged} acknowledged, ${findingsText(result.findings)}`);
    results.push(result);
  }
  return { bench: 'faults', machine, rate: options.rate, devices: deviceCount, results, whole: results.every(isWhole) };
}
