import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, type Registry } from 'prom-client';
import { z } from 'zod';
import { DeviceId, TenantId } from '../contracts/identifiers.ts';
import type { BusClient } from '../platform/bus/client.ts';
import { createSubscriber, type HeldMessage } from '../platform/bus/subscriber.ts';
import { ProblemError } from '../platform/http/problem.ts';
import type { Log } from '../platform/service/log.ts';
import type { Core } from './database.ts';

/** `LifecycleEvent` of contracts/bus.ts. */
const Event = z.object({
  v: z.literal(1),
  tenant: TenantId,
  device: DeviceId,
  event: z.enum(['connected', 'disconnected']),
  at: z.int().min(0).max(8.64e15),
  gateway: z.string().min(1).max(63),
  connection: z.int().min(0),
  reason: z.string().optional(),
});
export type ValidEvent = z.infer<typeof Event>;

/** The event in a message; null for one that is none, which no redelivery changes. */
export function parseEvent(data: Buffer): ValidEvent | null {
  try {
    const parsed = Event.safeParse(JSON.parse(data.toString()));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/**
 * The one event of each device that decides, whatever their order: the highest connection, and of one connection its
 * end. Postgres refuses to update one row twice in a statement, so that this is also what makes a batch possible.
 */
export function decisive(events: readonly ValidEvent[]): ValidEvent[] {
  const byDevice = new Map<string, ValidEvent>();
  for (const event of events) {
    const key = `${event.tenant}/${event.device}`;
    const known = byDevice.get(key);
    if (known === undefined || wins(event, known)) byDevice.set(key, event);
  }
  return [...byDevice.values()];
}

function wins(event: ValidEvent, known: ValidEvent): boolean {
  if (event.connection !== known.connection) return event.connection > known.connection;
  return event.event === 'disconnected';
}

/**
 * Applies events by compare: a connection's number only rises, and its end beats its beginning. So a late
 * `disconnected` never undoes a newer `connected`, and a redelivered event changes nothing.
 */
export async function applyEvents(core: Pick<Core, 'query'>, events: readonly ValidEvent[]): Promise<void> {
  const some = decisive(events);
  if (some.length === 0) return;
  await core.query(
    `update devices d set
       connected = e.connected, connection = e.connection, connection_gateway = e.gateway,
       connection_changed_at = to_timestamp(e.at / 1000.0)
     from unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[], $5::text[], $6::bigint[])
       as e (tenant, id, connected, connection, gateway, at)
     where d.tenant = e.tenant and d.id = e.id
       and (d.connection < e.connection or (d.connection = e.connection and d.connected and not e.connected))`,
    [
      some.map((e) => e.tenant),
      some.map((e) => e.device),
      some.map((e) => e.event === 'connected'),
      some.map((e) => e.connection),
      some.map((e) => e.gateway),
      some.map((e) => e.at),
    ],
  );
}

const batchSize = 1_000;

/**
 * Follows the gateways' lifecycle events into the registry, a batch a statement. While the database is away, what is
 * held stays held and nothing more is pulled.
 */
export function consumeLifecycle(
  options: { bus: BusClient; namespace: string; core: Core; metrics: Registry },
  log: Log,
): { stop(): Promise<void> } {
  const { bus, namespace, core, metrics } = options;
  const events = new Counter({
    name: 'iot_devices_lifecycle_events_total',
    help: 'Connection events read from the bus',
    labelNames: ['result'],
    registers: [metrics],
  });
  const waiting: HeldMessage[] = [];
  const stopped = new AbortController();
  let working: Promise<void> | undefined;

  const subscriber = createSubscriber(
    bus,
    {
      subscription: bus.subscriptionPath(namespace, 'lifecycle-devices'),
      maxMessages: 5_000,
      maxBytes: 16 * 1024 * 1024,
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
      const parsed = batch.map((message) => parseEvent(message.data));
      const valid = parsed.filter((event) => event !== null);
      if (!(await applied(valid))) continue;
      if (valid.length < batch.length)
        log.warn({ messages: batch.length - valid.length }, 'lifecycle messages that are no events were put aside');
      events.inc({ result: 'applied' }, valid.length);
      events.inc({ result: 'malformed' }, batch.length - valid.length);
      waiting.splice(0, batch.length);
      subscriber.ack(batch);
    }
  }

  /** False when the database did not answer: the batch is tried again after a while. Any other error is ours. */
  async function applied(batch: readonly ValidEvent[]): Promise<boolean> {
    try {
      await applyEvents(core, batch);
      return true;
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== 503) throw error;
      log.warn({ error: error.message, events: batch.length }, 'lifecycle events wait for the database');
      await sleep(500 + Math.random() * 500, undefined, { signal: stopped.signal }).catch(ignoreAbort);
      return false;
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

function ignoreAbort(error: unknown): void {
  if ((error as Error).name !== 'AbortError') throw error;
}
