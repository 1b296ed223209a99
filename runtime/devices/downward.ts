import { Counter, type Registry } from 'prom-client';
import { type CommandStatus, commandStatuses, isOpen } from '../contracts/commands.ts';
import type { BusClient } from '../platform/bus/client.ts';
import { createPublisher } from '../platform/bus/publisher.ts';
import type { HeldMessage } from '../platform/bus/subscriber.ts';
import type { Cache } from '../platform/cache/cache.ts';
import type { Log } from '../platform/service/log.ts';
import { type Chore, startChore } from './chores.ts';
import { expireCommands, forgetCommands } from './commands/chores.ts';
import type { CommandParts } from './commands/handlers.ts';
import { openJobs, stepJob } from './commands/job-worker.ts';
import type { CommandRow } from './commands/rows.ts';
import { createWaiters } from './commands/waiters.ts';
import type { Core } from './database.ts';
import { compactDeliveries } from './deliveries/changes.ts';
import { wakeGateways } from './deliveries/wake.ts';
import { publishCommands, publishLive } from './news.ts';
import type { TwinDocuments } from './twin/documents.ts';
import type { TwinParts } from './twin/handlers.ts';
import { sweepIntents } from './twin/intents.ts';
import type { Said } from './twin/reported.ts';
import { updateHandlers } from './update-handlers.ts';
import { consumeUpdates, type Refused } from './updates.ts';

export type Downward = TwinParts & CommandParts & { stop(): Promise<void> };

/**
 * Everything on its way to devices and back: desired and reported states, commands and their results. What is changed is
 * committed first; then gateways are woken, callers who wait are answered and pages that are open hear of it.
 */
export function startDownward(parts: {
  bus: BusClient;
  namespace: string;
  core: Core;
  cache: Cache;
  twins: TwinDocuments;
  metrics: Registry;
  log: Log;
}): Downward {
  const { bus, namespace, core, cache, twins, metrics, log } = parts;
  const clock = Date.now;
  const counts = downwardMetrics(metrics);
  const waiters = createWaiters({ core, cache, log });
  const onCommands = (rows: readonly CommandRow[]) => {
    for (const { status } of rows) counts.commands(status);
    waiters.ended(rows.filter(({ status }) => !isOpen(status)));
    publishCommands(cache, rows, log);
  };
  const onReported = ({ tenant, device, received }: Said, version: number) => {
    counts.twins('reported');
    publishLive(cache, tenant, [{ type: 'twin', device, side: 'reported', version, at: received }], log);
  };

  const letters = createPublisher(bus, {
    topic: bus.topicPath(namespace, 'telemetry-dead-letters'),
    batchMessages: 100,
    batchMs: 10,
  });
  const bury = async ({ data, attributes }: HeldMessage, { reason, detail }: Refused) => {
    log.warn({ trace: attributes['message'], device: attributes['device'], reason, detail }, 'update is a dead letter');
    // An attribute has 1,024 bytes at most: https://cloud.google.com/pubsub/quotas#resource_limits
    await letters.publish(data, { ...attributes, reason, detail: detail.toWellFormed().slice(0, 250) });
  };
  const handlers = updateHandlers({ core, twins, clock, onCommands, onReported, log });
  const updates = consumeUpdates({ bus, namespace, core, handlers, bury, metrics }, log);

  const chore = (name: string, everyMs: number, work: () => Promise<boolean>) => startChore(name, everyMs, work, log);
  const jobs = chore('command jobs', 2_000, async () => {
    let more = false;
    for (const { tenant, id } of await openJobs(core)) {
      const step = await stepJob(core, tenant, id, clock());
      wakeGateways(cache, tenant, step.devices, log);
      for (let n = 0; n < step.devices.length; n++) counts.commands('queued');
      onCommands(step.ended);
      more ||= step.more;
    }
    return more;
  });
  const chores: Chore[] = [
    jobs,
    chore('overdue commands', 1_000, async () => {
      const { ended, more } = await expireCommands(core, clock());
      onCommands(ended);
      return more;
    }),
    chore('unfinished changes of twins', 10_000, async () => {
      for (const { tenant, device } of await sweepIntents(core, twins)) wakeGateways(cache, tenant, [device], log);
      return false;
    }),
    chore('old deliveries and commands', 60_000, async () => {
      const gone = (await compactDeliveries(core)) + (await forgetCommands(core));
      return gone >= 5_000;
    }),
  ];

  return {
    core,
    twins,
    clock,
    waiters,
    onCommands,
    onDesired(tenant, device, version, requestLog) {
      counts.twins('desired');
      wakeGateways(cache, tenant, [device], requestLog);
      publishLive(cache, tenant, [{ type: 'twin', device, side: 'desired', version, at: clock() }], requestLog);
    },
    onQueued(row, requestLog) {
      counts.commands(row.status);
      wakeGateways(cache, row.tenant, [row.device_id], requestLog);
      publishCommands(cache, [row], requestLog);
    },
    onJob: () => jobs.now(),
    async stop() {
      waiters.stop();
      await Promise.all([updates.stop(), ...chores.map((each) => each.stop())]);
      await letters.stop();
    },
  };
}

function downwardMetrics(metrics: Registry) {
  const commands = new Counter({
    name: 'iot_devices_commands_total',
    help: 'Commands that came to a status',
    labelNames: ['status'],
    registers: [metrics],
  });
  for (const status of commandStatuses) commands.inc({ status }, 0);
  const twins = new Counter({
    name: 'iot_devices_twin_changes_total',
    help: 'Changes of twins',
    labelNames: ['side'],
    registers: [metrics],
  });
  return {
    commands: (status: CommandStatus) => commands.inc({ status }),
    twins: (side: 'desired' | 'reported') => twins.inc({ side }),
  };
}
