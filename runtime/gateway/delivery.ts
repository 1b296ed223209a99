import { downTopics } from '../contracts/topics.ts';

type Done = (error?: Error | null) => void;

/**
 * Stands in for aedes' emitter (`mq`), a trie of all subscriptions of all devices with a shared queue in front, where one
 * slow subscriber holds up the others. A device listens inside its own tree only, so who gets a message is known from
 * its topic, and aedes keeps each client's filters on the client anyway: nothing is to be stored here.
 */
export const noEmitter = {
  closed: false,
  on: (_filter: string, _deliver: unknown, done?: Done) => later(done),
  removeListener: (_filter: string, _deliver: unknown, done?: Done) => later(done),
  emit: (_packet: unknown, done?: Done) => later(done),
  close: (done: Done) => done(),
};

/** The QoS at which a client's subscriptions (by filter) deliver `topic`; -1 when none matches. */
export function grantedQos(subscriptions: Readonly<Record<string, { qos: number }>>, topic: string): number {
  let granted = -1;
  for (const filter in subscriptions)
    if (matches(filter, topic)) granted = Math.max(granted, subscriptions[filter]?.qos ?? 0);
  return granted;
}

/** Whether an MQTT topic filter matches a topic: `+` is one level, `#` the level before it and all below. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === '#') return true;
    if (i >= levels.length || (wanted[i] !== '+' && wanted[i] !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}

/** What of the platform's messages these filters let through: the desired state, and commands of whatever name. */
export function listensTo(filters: readonly string[], device: string): { config: boolean; commands: boolean } {
  const config = downTopics.config(device);
  const commands = downTopics.command(device, '');
  return {
    config: filters.some((filter) => matches(filter, config)),
    commands: filters.some((filter) => filter.startsWith(commands) || matches(filter, `${commands}any`)),
  };
}

function later(done: Done | undefined): void {
  if (done !== undefined) queueMicrotask(done);
}
