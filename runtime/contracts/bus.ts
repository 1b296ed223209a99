import type { CommandStatus } from './commands.ts';

/**
 * What travels on the bus (Pub/Sub), and under which names. The same names exist in the cloud and on one machine;
 * `namespace` tells environments and preview lanes apart.
 */
export type BusTopic = 'telemetry' | 'telemetry-dead-letters' | 'lifecycle' | 'updates';

/** One subscription: what it reads, and what happens to messages that nobody can process. */
export type SubscriptionPlan = {
  name: string;
  topic: BusTopic;
  ackDeadlineSeconds: number;
  retry: { minimumBackoffSeconds: number; maximumBackoffSeconds: number };
  /** `maxDeliveryAttempts` is Pub/Sub's highest: the processor dead-letters by itself, with a reason; this is the last resort. */
  deadLetter?: { topic: BusTopic; maxDeliveryAttempts: number };
  retentionSeconds: number;
};

const day = 86_400;

export const busPlan: { topics: readonly BusTopic[]; subscriptions: readonly SubscriptionPlan[] } = {
  topics: ['telemetry', 'telemetry-dead-letters', 'lifecycle', 'updates'],
  subscriptions: [
    {
      name: 'telemetry-processor',
      topic: 'telemetry',
      ackDeadlineSeconds: 60,
      retry: { minimumBackoffSeconds: 1, maximumBackoffSeconds: 60 },
      deadLetter: { topic: 'telemetry-dead-letters', maxDeliveryAttempts: 100 },
      retentionSeconds: 7 * day,
    },
    {
      name: 'telemetry-dead-letters-keeper',
      topic: 'telemetry-dead-letters',
      ackDeadlineSeconds: 60,
      retry: { minimumBackoffSeconds: 1, maximumBackoffSeconds: 60 },
      retentionSeconds: 7 * day,
    },
    {
      name: 'lifecycle-devices',
      topic: 'lifecycle',
      ackDeadlineSeconds: 30,
      retry: { minimumBackoffSeconds: 1, maximumBackoffSeconds: 60 },
      retentionSeconds: 7 * day,
    },
    {
      name: 'updates-devices',
      topic: 'updates',
      ackDeadlineSeconds: 60,
      retry: { minimumBackoffSeconds: 1, maximumBackoffSeconds: 60 },
      // A device writes the body: one that its reader cannot take must not come back for a week.
      deadLetter: { topic: 'telemetry-dead-letters', maxDeliveryAttempts: 100 },
      retentionSeconds: 7 * day,
    },
  ],
};

/** Full resource id of a topic or subscription inside the project: `iot-telemetry`, `pr-12-telemetry`. */
export function busName(namespace: string, name: string): string {
  return `${namespace}-${name}`;
}

/**
 * Attributes of a `telemetry` message. Pub/Sub attributes are strings. The body is the device's payload, untouched:
 * the gateway neither parses nor re-encodes it.
 */
export type TelemetryAttributes = {
  /** Schema of these attributes. */
  v: '1';
  tenant: string;
  device: string;
  kind: 'events';
  /** Only when the device published below `events/`. */
  subfolder?: string;
  /** Id that the gateway gave this message: 32 hex digits, also its trace id (law 6). */
  message: string;
  /** Gateway's receive time, epoch milliseconds in decimal. */
  received: string;
  /** W3C `traceparent`, present when the trace is sampled. */
  traceparent?: string;
};

/**
 * Attributes of an `updates` message: what a device says about itself, to the devices service. The body is the device's
 * payload, untouched. A topic of its own: a filtered subscription of `telemetry` would be billed for every reading.
 */
export type UpdateAttributes = {
  v: '1';
  tenant: string;
  device: string;
  kind: UpdateKind;
  /** Name of the command, only of a `command-result`. */
  command?: string;
  /** As in `TelemetryAttributes`. */
  message: string;
  received: string;
  traceparent?: string;
  /**
   * Number of the device's connection, as in `LifecycleEvent`, and this message's place in it, decimal: what a device said
   * last is what has the highest pair, in whatever order the bus delivers.
   */
  connection: string;
  order: string;
};
export const updateKinds = ['state', 'command-result'] as const;
export type UpdateKind = (typeof updateKinds)[number];

/** Body of a `lifecycle` message (JSON): a device's connection began or ended at a gateway. */
export type LifecycleEvent = {
  v: 1;
  tenant: string;
  device: string;
  event: 'connected' | 'disconnected';
  /** Epoch milliseconds at the gateway. */
  at: number;
  gateway: string;
  /** Number of this connection, rising with time, so that a late `disconnected` never undoes a newer `connected`. */
  connection: number;
  /** Why it ended: `client`, `keepalive`, `revoked`, `takeover`, `drain`, `error`… */
  reason?: string;
};

/**
 * One news of one device. A message on Redis' live channel of a tenant is a JSON array of these: one for each batch, since
 * one publish a reading would cost more than storing it. Best effort.
 */
export type LiveEvent =
  | { type: 'state'; device: string; ts: number; seq: number; values: Record<string, unknown>; trace: string }
  | { type: 'connection'; device: string; connected: boolean; at: number }
  | { type: 'alert'; device: string; alert: string; state: 'open' | 'closed'; at: number }
  | { type: 'twin'; device: string; side: 'desired' | 'reported'; version: number; at: number }
  | { type: 'command'; device: string; command: string; status: CommandStatus; at: number };
/** All of them, for those who read what may come from a newer process. */
export const liveKinds: ReadonlySet<string> = new Set([
  'state',
  'connection',
  'alert',
  'twin',
  'command',
] satisfies LiveEvent['type'][]);
