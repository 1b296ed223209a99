import { createDevice, type Device } from '../../../runtime/device/device.ts';
import { hashValues, type LedgerEntry } from '../../../runtime/simulator/ledger.ts';
import type { BenchDevice } from '../devices.ts';
import { latencyRecorder, type Percentiles } from '../load/latency.ts';

export type FaultLoad = {
  /** Begins a phase: latencies of readings reported from now on are counted under its name. */
  phase(name: string): void;
  latencies(): Record<string, Percentiles>;
  readonly reported: readonly LedgerEntry[];
  readonly acknowledged: readonly LedgerEntry[];
  readonly dropped: number;
  /** Resolves when so many more readings are acknowledged. */
  moreAcknowledged(count: number): Promise<void>;
  /** No more readings. */
  endReporting(): void;
  /** Resolves when every device has all its acknowledgements; rejects after `withinMs`, saying how many are missing. */
  drained(withinMs: number): Promise<void>;
  stop(): Promise<void>;
};

/** One reading in so many has a clock that is an hour ahead: it is owed a dead letter, not a row. */
const aheadEvery = 11;

/**
 * Real devices over mutual TLS with the platform's own device library, at a fixed total rate, keeping the ledger of
 * what they reported and what was acknowledged.
 */
export function startFaultLoad(options: {
  mqtt: { host: string; port: number };
  devices: readonly BenchDevice[];
  /** Readings a second over all devices. */
  rate: number;
}): FaultLoad {
  const reported: LedgerEntry[] = [];
  const acknowledged: LedgerEntry[] = [];
  const recorders = new Map<string, ReturnType<typeof latencyRecorder>>();
  const inFlight = new Map<string, { at: number; phase: string; entry: LedgerEntry }>();
  let dropped = 0;
  let current = 'steady';
  let waiters: { count: number; resolve: () => void }[] = [];
  const recorder = (phase: string) => {
    const found = recorders.get(phase) ?? latencyRecorder();
    recorders.set(phase, found);
    return found;
  };

  const devices: Device[] = options.devices.map(({ id, credentials }) =>
    createDevice({
      id,
      mqtt: options.mqtt,
      ...credentials,
      backoff: { baseMs: 250, maxMs: 5_000 },
      // Refused connections are what a fault test causes; the ledger is the judge.
      onProblem: () => undefined,
      onDrop: (readings) => {
        dropped += readings.length;
      },
      onAck: (reading) => {
        const key = `${id} ${reading.seq}`;
        const sent = inFlight.get(key);
        if (sent === undefined) return;
        inFlight.delete(key);
        recorder(sent.phase).record(performance.now() - sent.at);
        acknowledged.push(sent.entry);
        waiters = waiters.filter((w) => {
          if (acknowledged.length < w.count) return true;
          w.resolve();
          return false;
        });
      },
    }),
  );
  for (const device of devices) device.start();

  const start = performance.now();
  let count = 0;
  const report = () => {
    const due = Math.floor(((performance.now() - start) / 1_000) * options.rate);
    while (count < due) {
      const at = start + (count / options.rate) * 1_000;
      const i = count % devices.length;
      const id = (options.devices[i] as BenchDevice).id;
      const values = { temperature: 20 + (count % 100) / 10, count, door: count % 2 === 0 ? 'open' : 'closed' };
      const ahead = count % aheadEvery === aheadEvery - 1 ? 3_600_000 : 0;
      const reading = (devices[i] as Device).report(values, { ts: Date.now() + ahead });
      const entry = { device: id, ts: reading.ts, seq: reading.seq, hash: hashValues(values) };
      reported.push(entry);
      inFlight.set(`${id} ${reading.seq}`, { at, phase: current, entry });
      count++;
    }
  };
  const timer = setInterval(report, 2);

  return {
    phase(name) {
      current = name;
    },
    latencies: () => Object.fromEntries([...recorders].map(([name, r]) => [name, r.percentiles()])),
    reported,
    acknowledged,
    get dropped() {
      return dropped;
    },
    moreAcknowledged: (more) =>
      new Promise((resolve) => {
        waiters.push({ count: acknowledged.length + more, resolve });
      }),
    endReporting: () => clearInterval(timer),
    async drained(withinMs) {
      const until = performance.now() + withinMs;
      while (inFlight.size > 0) {
        if (performance.now() > until)
          throw new Error(`${inFlight.size} readings are still without acknowledgement after ${withinMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(devices.map((device) => device.stop(0)));
    },
  };
}
