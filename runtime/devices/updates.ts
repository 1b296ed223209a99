import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, type Registry } from 'prom-client';
import { type UpdateKind, updateKinds } from '../contracts/bus.ts';
import { deviceIdPattern, tenantIdPattern, traceIdPattern } from '../contracts/identifiers.ts';
import type { Unread } from '../contracts/twin.ts';
import type { BusClient } from '../platform/bus/client.ts';
import { createSubscriber, type HeldMessage } from '../platform/bus/subscriber.ts';
import { ProblemError } from '../platform/http/problem.ts';
import type { Log } from '../platform/service/log.ts';
import type { Core } from './database.ts';

/** A message of topic `updates` whose attributes were read. Times in epoch milliseconds. */
export type Update = {
  tenant: string;
  device: string;
  kind: UpdateKind;
  command: string;
  /** The gateway's message id, also the trace id. */
  message: string;
  received: number;
  connection: number;
  order: number;
  data: Buffer;
};
export type Refused = { reason: 'malformed' | 'too-large' | 'unknown-device'; detail: string };
/**
 * Takes updates of one kind, of devices that exist, in the order in which they came. Whatever it is given, it may be given
 * again. @returns for each whether it can never be taken, and why. @throws ProblemError 503 while a store is away.
 */
export type UpdateHandler = (updates: readonly Update[]) => Promise<(Refused | undefined)[]>;

export const refusedFor = ({ reason, problem }: Unread): Refused => ({ reason, detail: problem });

/** @returns the update, or in one line why the message is none of our gateways'. */
export function readUpdate({ attributes, data }: Pick<HeldMessage, 'attributes' | 'data'>): Update | string {
  const { v, tenant = '', device = '', kind, command = '', message = '', received, connection, order } = attributes;
  if (v !== '1') return `attribute v is '${v}', this service knows 1`;
  if (!tenantIdPattern.test(tenant)) return 'attribute tenant is no tenant id';
  if (!deviceIdPattern.test(device)) return 'attribute device is no device id';
  const known = updateKinds.find((each) => each === kind);
  if (known === undefined) return `attribute kind is '${kind}', allowed are ${updateKinds.join(', ')}`;
  if (!traceIdPattern.test(message)) return 'attribute message is not 32 hex digits';
  const numbers = { received: Number(received), connection: Number(connection), order: Number(order) };
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isSafeInteger(value) || value < 0) return `attribute ${name} is no whole number`;
  return { tenant, device, kind: known, command, message, ...numbers, data };
}

const batchSize = 500;

/**
 * What devices say about themselves, from the bus to its handler, a batch at a time. While a store is away what is held
 * stays held and nothing more is pulled. What can never be taken becomes a dead letter: it is acknowledged once the topic
 * of dead letters has it, from where the processor keeps it.
 */
export function consumeUpdates(
  options: {
    bus: BusClient;
    namespace: string;
    core: Core;
    handlers: Readonly<Record<UpdateKind, UpdateHandler>>;
    /** Puts a message into the topic of dead letters. */
    bury: (message: HeldMessage, refused: Refused) => Promise<void>;
    metrics: Registry;
  },
  log: Log,
): { stop(): Promise<void> } {
  const { bus, namespace, core, handlers, bury, metrics } = options;
  const counter = new Counter({
    name: 'iot_devices_updates_total',
    help: 'Reported states and results of commands read from the bus',
    labelNames: ['kind', 'result'],
    registers: [metrics],
  });
  const waiting: HeldMessage[] = [];
  const stopped = new AbortController();
  let working: Promise<void> | undefined;

  const subscriber = createSubscriber(
    bus,
    {
      subscription: bus.subscriptionPath(namespace, 'updates-devices'),
      maxMessages: 2_000,
      maxBytes: 64 * 1024 * 1024,
      onMessages: (messages) => {
        waiting.push(...messages);
        working ??= work().finally(() => {
          working = undefined;
        });
      },
    },
    log,
  );

  async function work(): Promise<void> {
    while (waiting.length > 0 && !stopped.signal.aborted) {
      const batch = waiting.slice(0, batchSize);
      try {
        await take(batch);
      } catch (error) {
        // A mistake of ours must not lose what was acknowledged: it is held and tried again, and said.
        const away = error instanceof ProblemError && error.status === 503;
        log[away ? 'warn' : 'error']({ error, messages: batch.length }, 'updates of devices are tried again');
        await sleep(500 + Math.random() * 1_000, undefined, { signal: stopped.signal }).catch(ignoreAbort);
        continue;
      }
      waiting.splice(0, batch.length);
      subscriber.ack(batch);
    }
  }

  async function take(batch: readonly HeldMessage[]): Promise<void> {
    const read = batch.map((message) => ({ message, update: readUpdate(message) }));
    const updates = read.flatMap(({ update }) => (typeof update === 'string' ? [] : [update]));
    const refused = new Map<Update, Refused>();
    const registered = await registeredDevices(core, updates);
    for (const update of updates)
      if (!registered.has(`${update.tenant}/${update.device}`))
        refused.set(update, {
          reason: 'unknown-device',
          detail: `device '${update.device}' is not registered in tenant '${update.tenant}'`,
        });
    for (const kind of updateKinds) {
      const some = updates.filter((update) => update.kind === kind && !refused.has(update));
      if (some.length === 0) continue;
      const outcomes = await handlers[kind](some);
      for (const [i, outcome] of outcomes.entries()) if (outcome !== undefined) refused.set(some[i] as Update, outcome);
    }
    const whys = read.map(({ update }) =>
      typeof update === 'string' ? ({ reason: 'malformed', detail: update } as const) : refused.get(update),
    );
    await Promise.all(
      read.map(async ({ message }, i) => {
        const why = whys[i];
        if (why !== undefined) await bury(message, why);
      }),
    );
    for (const [i, { update }] of read.entries()) {
      const kind = typeof update === 'string' ? 'unknown' : update.kind;
      counter.inc({ kind, result: whys[i]?.reason ?? 'taken' });
    }
  }

  return {
    async stop() {
      subscriber.stopPulling();
      stopped.abort();
      await working;
      await subscriber.close(2_000);
    },
  };
}

async function registeredDevices(core: Core, updates: readonly Update[]): Promise<ReadonlySet<string>> {
  if (updates.length === 0) return new Set();
  const rows = await core.query<{ tenant: string; id: string }>(
    `select d.tenant, d.id from devices d
     join (select distinct * from unnest($1::text[], $2::text[]) as u (tenant, id)) u on d.tenant = u.tenant and d.id = u.id`,
    [updates.map((u) => u.tenant), updates.map((u) => u.device)],
  );
  return new Set(rows.map(({ tenant, id }) => `${tenant}/${id}`));
}

function ignoreAbort(error: unknown): void {
  if ((error as Error).name !== 'AbortError') throw error;
}
