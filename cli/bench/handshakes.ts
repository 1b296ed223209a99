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

/** Full and resumed handshakes with CONNECT, against the gateway and against bare aedes, in one run. */
export async function benchHandshakes(
  platform: BenchPlatform,
  count: number,
  say: (line: string) => void,
): Promise<HandshakesResult> {
  const machine = machineFacts();
  const devices = await benchDevices(
    platform,
    Array.from({ length: 200 }, (_, i) => benchDeviceId(i)),
    say,
  );
  say('bare aedes');
  const bare = await startBare(platform.tlsDir);
  const bareTarget = { host: '127.0.0.1', port: bare.port };
  const bareRates = await both(bare.pid, bareTarget, devices, count).finally(() => bare.stop());
  say('gateway');
  const gateway = (await platform.processes()).find((p) => p.name === 'gateway');
  if (gateway === undefined) throw new Error('the platform has no gateway process');
  return {
    bench: 'handshakes',
    machine,
    gateway: await both(gateway.pid, platform.mqtt, devices, count),
    bare: bareRates,
  };
}

async function both(pid: number, target: LoadTarget, devices: readonly BenchDevice[], count: number) {
  const tickets = new Map<string, Buffer>();
  await measure(pid, target, devices, devices.length, undefined, tickets); // code being compiled is not measured
  return {
    full: await measure(pid, target, devices, count, undefined, tickets),
    resumed: await measure(pid, target, devices, count, tickets, tickets),
  };
}

async function measure(
  pid: number,
  target: LoadTarget,
  devices: readonly BenchDevice[],
  count: number,
  offer: ReadonlyMap<string, Buffer> | undefined,
  keep: Map<string, Buffer>,
): Promise<HandshakeRate> {
  const before = await ticks(pid);
  const start = performance.now();
  let resumed = 0;
  // One connection a device at a time: a second one would take the first over and be measured as something else.
  await openAll(devices, 16, async (device) => {
    for (let i = 0; i < count / devices.length; i++) {
      const connection = await openConnection({ target, device, ticket: offer?.get(device.id) });
      if (connection.resumed === true) resumed++;
      if (connection.ticket !== undefined) keep.set(device.id, connection.ticket);
      await connection.close();
    }
  });
  const seconds = (performance.now() - start) / 1_000;
  const done = Math.ceil(count / devices.length) * devices.length;
  const coreSeconds = ((await ticks(pid)) - before) / ticksPerSecond;
  return { perCoreSecond: done / coreSeconds, perSecond: done / seconds, count: done, resumed };
}

async function ticks(pid: number): Promise<number> {
  const usage = await usageOf(pid);
  if (usage === undefined) throw new Error(`process ${pid} is gone`);
  return usage.cpuTicks;
}
