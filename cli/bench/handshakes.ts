import { ticksPerSecond, usageOf } from '../../runtime/local/proc.ts';
import { startBare } from './bare.ts';
import { type BenchDevice, benchDeviceId, benchDevices } from './devices.ts';
import { type LoadTarget, openAll, openConnection } from './load/connection.ts';
import { type MachineFacts, machineFacts } from './machine.ts';
import type { BenchPlatform } from './platform.ts';

/** `perCoreSecond`: handshakes for each second that the server's process was on a core. */
export type HandshakeRate = { perCoreSecond: number; perSecond: number; count: number; resumed: number };
export type HandshakesResult = {
  bench: 'handshakes';
  machine: MachineFacts;
  gateway: { full: HandshakeRate; resumed: HandshakeRate };
  bare: { full: HandshakeRate; resumed: HandshakeRate };
};

const devicesAtOnce = 200;
/** Rounds of each kind before anything counts: code is compiled in them. */
const warmUpRounds = 3;
/** What a connection leaves to be done in bulk, presence and news on the bus, is done by then and counts. */
const settleMs = 400;

/**
 * Full and resumed handshakes with CONNECT, against the gateway and against bare aedes. They take turns, a round each of
 * all devices connecting and staying, so that what else the machine does meets both; closing is not counted.
 */
export async function benchHandshakes(
  platform: BenchPlatform,
  count: number,
  say: (line: string) => void,
): Promise<HandshakesResult> {
  const machine = machineFacts();
  const devices = await benchDevices(
    platform,
    Array.from({ length: devicesAtOnce }, (_, i) => benchDeviceId(i)),
    say,
  );
  const gateway = (await platform.processes()).find((p) => p.name === 'gateway');
  if (gateway === undefined) throw new Error('the platform has no gateway process');
  const bare = await startBare(platform.tlsDir);
  try {
    const contestants = {
      bare: new Contestant(bare.pid, { host: '127.0.0.1', port: bare.port }, devices),
      gateway: new Contestant(gateway.pid, platform.mqtt, devices),
    };
    const rounds = Math.ceil(count / devices.length);
    for (let round = -warmUpRounds; round < rounds; round++) {
      if (round === 0) say(`${rounds} rounds of ${devices.length} devices, full and resumed, bare aedes and gateway`);
      for (const kind of ['full', 'resumed'] as const)
        for (const one of [contestants.bare, contestants.gateway]) await one.round(kind, round >= 0);
    }
    return { bench: 'handshakes', machine, gateway: contestants.gateway.rates(), bare: contestants.bare.rates() };
  } finally {
    await bare.stop();
  }
}

type Sum = { done: number; resumed: number; ticks: number; seconds: number };

/** One server, its process and what it took so far. */
class Contestant {
  private readonly pid: number;
  private readonly target: LoadTarget;
  private readonly devices: readonly BenchDevice[];
  private readonly tickets = new Map<string, Buffer>();
  private readonly sums: Record<'full' | 'resumed', Sum> = {
    full: { done: 0, resumed: 0, ticks: 0, seconds: 0 },
    resumed: { done: 0, resumed: 0, ticks: 0, seconds: 0 },
  };

  constructor(pid: number, target: LoadTarget, devices: readonly BenchDevice[]) {
    this.pid = pid;
    this.target = target;
    this.devices = devices;
  }

  async round(kind: 'full' | 'resumed', counts: boolean): Promise<void> {
    const { pid, target, devices, tickets } = this;
    const before = await ticks(pid);
    const start = performance.now();
    const open = await openAll(devices, 16, (device) =>
      openConnection({ target, device, ticket: kind === 'full' ? undefined : tickets.get(device.id) }),
    );
    const seconds = (performance.now() - start) / 1_000;
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const spent = (await ticks(pid)) - before;
    for (const [i, { ticket }] of open.entries())
      if (ticket !== undefined) tickets.set((devices[i] as BenchDevice).id, ticket);
    const resumed = open.filter((connection) => connection.resumed === true).length;
    await openAll(open, 64, (connection) => connection.close());
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    if (!counts) return;
    const sum = this.sums[kind];
    sum.done += open.length;
    sum.resumed += resumed;
    sum.ticks += spent;
    sum.seconds += seconds;
  }

  rates(): { full: HandshakeRate; resumed: HandshakeRate } {
    const rate = ({ done, resumed, ticks, seconds }: Sum): HandshakeRate => ({
      perCoreSecond: (done * ticksPerSecond) / ticks,
      perSecond: done / seconds,
      count: done,
      resumed,
    });
    return { full: rate(this.sums.full), resumed: rate(this.sums.resumed) };
  }
}

async function ticks(pid: number): Promise<number> {
  const usage = await usageOf(pid);
  if (usage === undefined) throw new Error(`process ${pid} is gone`);
  return usage.cpuTicks;
}
