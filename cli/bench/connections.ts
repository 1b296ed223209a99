import { downTopics } from '../../runtime/contracts/topics.ts';
import { usageOf } from '../../runtime/local/proc.ts';
import { startBare } from './bare.ts';
import { type BenchDevice, benchDeviceId, benchDevices } from './devices.ts';
import { type LoadTarget, openAll, openConnection } from './load/connection.ts';
import { type MachineFacts, machineFacts } from './machine.ts';
import { type BenchPlatform, restartPart } from './platform.ts';

export type IdleMemory = { kBEach: number; beforeMiB: number; afterMiB: number; connectSeconds: number };
export type ConnectionsResult = {
  bench: 'connections';
  machine: MachineFacts;
  count: number;
  gateway: IdleMemory;
  bare: IdleMemory;
};

const settleMs = 8_000;
/** Connections before the first look: code is compiled, and the young heap has its size, which is no device's price. */
const warmUp = 500;

/**
 * Resident memory that an idle device costs: the gateway's, and bare aedes' in the same run. What the heap grows by once,
 * some 30 MB, is shared among the devices: 1,000 show a third more each than 5,000.
 */
export async function benchConnections(
  platform: BenchPlatform,
  count: number,
  say: (line: string) => void,
): Promise<ConnectionsResult> {
  const machine = machineFacts();
  const ids = Array.from({ length: count }, (_, i) => benchDeviceId(i));
  say(`devices: ${count}`);
  const devices = await benchDevices(platform, ids, say);
  say('bare aedes');
  const bare = await startBare(platform.tlsDir);
  const bareMemory = await idle(bare.pid, { host: '127.0.0.1', port: bare.port }, devices).finally(() => bare.stop());
  say('gateway, restarted: what earlier load left in its memory would hide what connections cost');
  const gateway = await restartPart(platform, 'gateway');
  return {
    bench: 'connections',
    machine,
    count,
    bare: bareMemory,
    gateway: await idle(gateway.pid, platform.mqtt, devices),
  };
}

async function idle(pid: number, target: LoadTarget, devices: readonly BenchDevice[]): Promise<IdleMemory> {
  await openAndClose(target, devices.slice(0, warmUp));
  await settle();
  const before = await rss(pid);
  const start = performance.now();
  const open = await openAll(devices, 32, (device) =>
    openConnection({
      target,
      device,
      subscribe: [downTopics.config(device.id), downTopics.command(device.id, '#')],
    }),
  );
  const connectSeconds = (performance.now() - start) / 1_000;
  // Garbage of the handshakes is not the price of an idle connection; the process gets a while to give it back.
  await settle();
  const after = await rss(pid);
  await openAll(open, 64, (connection) => connection.close());
  const MiB = (bytes: number) => Math.round(bytes / 1_048_576);
  return {
    kBEach: (after - before) / devices.length / 1_000,
    beforeMiB: MiB(before),
    afterMiB: MiB(after),
    connectSeconds,
  };
}

async function openAndClose(target: LoadTarget, devices: readonly BenchDevice[]): Promise<void> {
  const open = await openAll(devices, 32, (device) => openConnection({ target, device }));
  await openAll(open, 16, (connection) => connection.close());
}

const settle = () => new Promise((resolve) => setTimeout(resolve, settleMs));

async function rss(pid: number): Promise<number> {
  const usage = await usageOf(pid);
  if (usage === undefined) throw new Error(`process ${pid} is gone`);
  return usage.rssBytes;
}
