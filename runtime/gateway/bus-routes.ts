import type { OutgoingMessage, Published, Publisher } from '../platform/bus/publisher.ts';

/** What the gateway's durable write and the replay of its spill log ask of a publisher. */
export type BusRoutes = Pick<Publisher, 'state' | 'admits' | 'enqueue' | 'publish' | 'stop'>;

export const topicOf = (attributes: Readonly<Record<string, string>>): 'telemetry' | 'updates' =>
  attributes['kind'] === 'events' ? 'telemetry' : 'updates';

/**
 * Readings go to the topic `telemetry`, everything else that a device says to `updates` (contracts/bus.ts), behind one
 * publisher: one durable write and one spill log hold both. The state told is that of `telemetry`, where the load is; a
 * message that its own topic does not take is held, spilled and tried again like any other.
 */
export function routeBus(telemetry: Publisher, updates: Publisher): BusRoutes {
  const of = (attributes: Readonly<Record<string, string>>) =>
    topicOf(attributes) === 'telemetry' ? telemetry : updates;
  return {
    get state() {
      return telemetry.state;
    },
    admits: () => telemetry.admits() && updates.admits(),
    enqueue: (message: OutgoingMessage, done: Published) => of(message.attributes).enqueue(message, done),
    publish: (data, attributes) => of(attributes).publish(data, attributes),
    stop: async () => {
      await Promise.all([telemetry.stop(), updates.stop()]);
    },
  };
}
