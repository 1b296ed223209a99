import { upTopics } from '../../../runtime/contracts/topics.ts';
import type { Credentials } from '../../../runtime/device/enrol.ts';
import { type LoadConnection, type LoadTarget, openAll, openConnection } from './connection.ts';
import { latencyRecorder, type Percentiles } from './latency.ts';
import { publishTemplate } from './packets.ts';

export type LoadPlan = {
  target: LoadTarget;
  devices: { id: string; credentials?: Credentials }[];
  /** Readings a second over all connections. */
  rate: number;
  warmupSeconds: number;
  seconds: number;
  /** Readings a message. */
  batch: number;
  readingBytes: number;
  /** Connections being made at one time. */
  connectAtOnce: number;
};

export type LoadResult = {
  /** Readings a second: asked for, and acknowledged within the measured time. */
  offered: number;
  achieved: number;
  payloadBytes: number;
  /** Readings over the whole run, warm-up included. */
  sent: number;
  acknowledged: number;
  /** Sent and without PUBACK ten seconds after the end. */
  unacknowledged: number;
  lostConnections: number;
  /** From the intended send time to the PUBACK, measured part. */
  puback: Percentiles;
  /** How late the generator itself was with a message; large values make the run worthless. */
  generatorLag: Percentiles;
  connectSeconds: number;
  /** Epoch milliseconds of the first and last reading sent. */
  firstTs: number;
  lastTs: number;
  generatorCpuSeconds: number;
};

/** In flight on one connection. A device that has as many open is stuck, and the run is stopped. */
const maxInFlight = 4_096;

/**
 * Open loop: message k is due at k / rate, whatever happened to those before; its latency counts from then, so that
 * a stall of either side is not left out (https://www.scylladb.com/2021/04/22/on-coordinated-omission/).
 */
export async function runLoad(plan: LoadPlan, onConnected: () => Promise<void>): Promise<LoadResult> {
  const connectStart = performance.now();
  const connections = await openAll(plan.devices, plan.connectAtOnce, (device) =>
    openConnection({ target: plan.target, device }),
  );
  const connectSeconds = (performance.now() - connectStart) / 1_000;
  await onConnected();

  const messageRate = plan.rate / plan.batch;
  const total = Math.round(messageRate * (plan.warmupSeconds + plan.seconds));
  const latency = latencyRecorder();
  const lag = latencyRecorder();
  const counts = { sent: 0, acked: 0, ackedInTime: 0, lost: 0 };
  const start = performance.now() + 50;
  const measureFrom = start + plan.warmupSeconds * 1_000;
  const measureTo = measureFrom + plan.seconds * 1_000;
  let closing = false;
  let settled: (() => void) | undefined;

  const senders = connections.map((connection, i) =>
    sender(connection, upTopics.events((plan.devices[i] as { id: string }).id), plan, {
      acked(intended) {
        const now = performance.now();
        counts.acked++;
        if (now >= measureFrom && now < measureTo) counts.ackedInTime++;
        if (intended >= measureFrom && intended < measureTo) latency.record(now - intended);
        if (counts.acked === counts.sent) settled?.();
      },
      closed() {
        if (!closing) counts.lost++;
      },
    }),
  );

  const cpuStart = process.cpuUsage();
  const firstTs = Date.now();
  await new Promise<void>((resolve, reject) => {
    const tick = () => {
      const now = performance.now();
      const due = Math.min(total, Math.floor(((now - start) / 1_000) * messageRate) + 1);
      while (counts.sent < due) {
        const intended = start + (counts.sent / messageRate) * 1_000;
        const send = senders[counts.sent % senders.length] as (intended: number) => boolean;
        if (!send(intended)) return reject(new Error(`a device has ${maxInFlight} messages in flight: it is stuck`));
        if (intended >= measureFrom) lag.record(now - intended);
        counts.sent++;
      }
      if (counts.sent === total) resolve();
      else setTimeout(tick, 1);
    };
    setTimeout(tick, 50);
  });
  const cpu = process.cpuUsage(cpuStart);
  const lastTs = Date.now();
  await new Promise<void>((resolve) => {
    settled = resolve;
    if (counts.acked === counts.sent) resolve();
    setTimeout(resolve, 10_000);
  });
  closing = true;
  await Promise.all(connections.map((connection) => connection.close()));
  return {
    offered: plan.rate,
    achieved: (counts.ackedInTime * plan.batch) / plan.seconds,
    payloadBytes: publishTemplate('t', plan.batch, plan.readingBytes).payloadBytes,
    sent: counts.sent * plan.batch,
    acknowledged: counts.acked * plan.batch,
    unacknowledged: (counts.sent - counts.acked) * plan.batch,
    lostConnections: counts.lost,
    puback: latency.percentiles(),
    generatorLag: lag.percentiles(),
    connectSeconds,
    firstTs,
    lastTs,
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

/** Sends one message a call; false when the connection has too many in flight. */
function sender(
  connection: LoadConnection,
  topic: string,
  plan: LoadPlan,
  on: { acked(intended: number): void; closed(): void },
): (intended: number) => boolean {
  const template = publishTemplate(topic, plan.batch, plan.readingBytes);
  const inFlight = new Map<number, number>();
  let packetId = 0;
  let seq = 0;
  connection.onPuback((id) => {
    const intended = inFlight.get(id);
    if (intended === undefined) return;
    inFlight.delete(id);
    on.acked(intended);
  });
  connection.onClose(on.closed);
  return (intended) => {
    if (inFlight.size >= maxInFlight) return false;
    packetId = packetId === 65_535 ? 1 : packetId + 1;
    inFlight.set(packetId, intended);
    connection.write(template.fill(packetId, Date.now(), seq++));
    return true;
  };
}
