import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { benchDeviceId, benchDevices } from '../../cli/bench/devices.ts';
import {
  databaseAway,
  type Fault,
  killed,
  killedWhileStopped,
  partsToKill,
  redisFlushed,
} from '../../cli/bench/faults/faults.ts';
import { findingsText } from '../../cli/bench/faults/ledger.ts';
import { type FaultResult, runFault } from '../../cli/bench/faults/run.ts';
import { type BenchPlatform, findPlatform } from '../../cli/bench/platform.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

/**
 * Laws 2 and 3 of the path, through the death of every process: real devices over mutual TLS report all the time, and
 * their ledger must be, entry by entry, what the platform has. `iot bench faults` does the same at full length.
 */
let stand: TestPlatform;
let platform: BenchPlatform;
let devices: Awaited<ReturnType<typeof benchDevices>>;

beforeAll(async () => {
  stand = await startPlatform({ portBase: 27_000, devices: 0 });
  platform = await findPlatform(stand.data);
  devices = await benchDevices(
    platform,
    Array.from({ length: 20 }, (_, i) => benchDeviceId(i)),
    () => undefined,
  );
});
afterAll(() => stand?.stop());

/** 400 readings a second for five seconds and as long as the fault lasts. */
async function under(fault: Fault): Promise<FaultResult> {
  const result = await runFault(platform, fault, { rate: 400, messages: 2_000, devices });
  expect(result.acknowledged).toBeGreaterThanOrEqual(2_000);
  expect(findingsText(result.findings)).toBe('clean');
  expect(result.rows + result.deadLetters).toBe(result.acknowledged);
  expect(result.deadLetters).toBeGreaterThan(100);
  expect(result.dropped).toBe(0);
  return result;
}

describe('acknowledged = rows + dead letters, nothing twice, every newest state right', () => {
  // The processor's is below, in its sharper form: messages it held come back after their lease, a minute later.
  test.each(partsToKill.filter((part) => part !== 'processor'))('while %s is killed', async (part) => {
    await under(killed(part));
  });

  test.each([
    ['gateway', 'pubsub'],
    ['processor', 'postgres'],
  ] as const)(
    'while %s is killed and %s answers nothing: what was acknowledged too early would be gone',
    async (part, store) => {
      await under(killedWhileStopped(part, store));
    },
  );

  test('while the database answers nothing, and devices get their acknowledgements all the same', async () => {
    const result = await under(databaseAway(6));
    // 2,400 were reported meanwhile; acknowledgements that waited for the database would all come after it.
    expect(result.acknowledgedMeanwhile).toBeGreaterThan(1_000);
  });

  test('while Redis is emptied', async () => {
    await under(redisFlushed);
  });
});
